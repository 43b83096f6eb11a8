import type { Clock } from "../../core/ports/clock.ts";
import { whyNoAnswer } from "./why-no-answer.ts";

/** It is not known what the server did, or it said that it can do nothing now: to be tried again. */
export class LineBroken extends Error {
  override readonly name = "LineBroken";
  /** Not before this long; 0 where the server did not say. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** What the server said; nothing that would become another answer if it were asked again. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number;
}

export interface LineRequest {
  /** What comes after the device in the path. */
  readonly path: string;
  readonly method: "GET" | "POST" | "PATCH";
  readonly body?: string;
  readonly timeoutMs: number;
}

export interface LineOptions {
  readonly url: string;
  readonly id: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A terminal's way to its server. */
export interface Line {
  /** Throws {@link LineBroken} where trying again may help; when the secret is wrong, an `Error`. */
  ask(request: LineRequest): Promise<Answer>;
}

/** Statuses after which the same request may fare better. */
const FOR_A_WHILE = new Set([408, 425, 429]);

export function createLine(options: LineOptions): Line {
  return {
    async ask(request) {
      const answer = await exchange(options, request);
      const { status, text, retryAfterMs } = answer;
      if (status === 401) {
        throw new Error(`Cannot go on: the server does not know the secret of ${options.id}`);
      }
      const isBusy = status === 409 && text.includes('"key_in_flight"');
      if (status >= 500 || FOR_A_WHILE.has(status) || isBusy) {
        throw new LineBroken(`the server answered ${status}`, retryAfterMs);
      }
      return answer;
    },
  };
}

async function exchange(
  { url, id, secret, clock, signal }: LineOptions,
  { path, method, body, timeoutMs }: LineRequest,
): Promise<Answer> {
  const late = new AbortController();
  const cancel = clock.after(timeoutMs, () => late.abort());
  try {
    const response = await fetch(`${url}/v1/devices/${id}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      signal: AbortSignal.any([signal, late.signal]),
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, text, retryAfterMs: retryAfterMs(response.headers) };
  } catch (cause) {
    const what = late.signal.aborted ? "did not answer in time" : whyNoAnswer(cause, url);
    throw Object.assign(new LineBroken(`the server ${what}`), { cause });
  } finally {
    cancel();
  }
}

function retryAfterMs(headers: Headers): number {
  return 1000 * (Number(headers.get("retry-after")) || 0);
}
