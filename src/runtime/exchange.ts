import { Buffer } from "node:buffer";
import type { Clock } from "../core/ports/clock.ts";
import type { WebAnswer, WebRequest } from "../core/ports/web-client.ts";

type Failure = Extract<WebAnswer, { readonly ok: false }>;

/** What one kind of client makes of an answer. */
export interface Reading<Answer> {
  /** Reads what has begun to arrive. It may throw, as the body does when time is up. */
  readonly read: (response: Response) => Promise<Answer>;
  /** Completes the sentence "it …" when there was no answer in time, or `read` threw. */
  readonly failed: string;
}

/**
 * Sends one request with the runtime's own client, which keeps connections for the next one, and
 * follows no redirect. Never rejects for what the other side or the network does.
 */
export async function exchange<Answer>(
  clock: Clock,
  request: WebRequest,
  { read, failed }: Reading<Answer>,
): Promise<Answer | Failure> {
  const { method, url, headers = {}, body, ca, timeoutMs } = request;
  const giveUp = new AbortController();
  const cancel = clock.after(timeoutMs, () => giveUp.abort());
  using trust = trusting(ca);
  try {
    const response = await fetch(url, {
      ...trust.options,
      method,
      headers,
      redirect: "manual",
      signal: giveUp.signal,
      ...(body !== undefined && { body }),
    });
    return await read(response);
  } catch (cause) {
    const why = giveUp.signal.aborted
      ? `did not answer within ${timeoutMs} ms`
      : `${failed}${codeOf(cause)}`;
    return { ok: false, why, cause };
  } finally {
    cancel();
  }
}

/** Each runtime has a way of its own to trust authorities that the machine does not know. */
function trusting(ca: string | undefined): Disposable & { readonly options: RequestInit } {
  if (ca === undefined) return { options: {}, [Symbol.dispose]: () => undefined };
  // Neither is in the web's types, and each runtime knows its own only.
  if (!("Deno" in globalThis)) {
    return { options: { tls: { ca } } as RequestInit, [Symbol.dispose]: () => undefined };
  }
  const client = Deno.createHttpClient({ caCerts: [ca] });
  return { options: { client } as RequestInit, [Symbol.dispose]: () => client.close() };
}

/** The beginning of a body. */
export interface BodyStart {
  readonly bytes: Uint8Array;
  readonly end:
    | { readonly is: "whole" | "cut" }
    | { readonly is: "broken"; readonly cause: unknown };
}

/** Reads at most `maxBytes`, and no further than where the body breaks off. */
export async function readBody(response: Response, maxBytes: number): Promise<BodyStart> {
  const chunks: Uint8Array[] = [];
  let room = maxBytes;
  let end: BodyStart["end"] = { is: "whole" };
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk.subarray(0, room));
      room -= chunk.byteLength;
      if (room >= 0) continue;
      end = { is: "cut" };
      // Leaving the loop cancels the body.
      break;
    }
  } catch (cause) {
    end = { is: "broken", cause };
  }
  return { bytes: Buffer.concat(chunks), end };
}

/** What the runtime calls the failure, such as ECONNREFUSED. Its message may hold the URL, so it stays behind. */
function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? ` (${code})` : "";
}
