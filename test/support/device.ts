import type { DeviceCredentials } from "./cli.ts";
import { DEADLINE_MS, eventually } from "./inbox.ts";

/** What one event of a post came to. */
export interface EventResult {
  readonly id?: string;
  readonly offset?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly results: readonly EventResult[];
  /** The whole body, for problems. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface DeviceEvent {
  readonly id?: string;
  readonly type: string;
  readonly data: unknown;
  readonly time?: string | number;
}

/** Where the first event of a device goes: that it came, `device.online`, is told before. */
export const FIRST_OFFSET = 2;

/** A terminal: posts events as its firmware would. */
export class Device {
  readonly id: string;
  readonly secret: string;
  readonly #ca: string | undefined;
  /** Where Posthorn is; may change when it restarts elsewhere. */
  url: string;

  constructor(url: string, { id, secret }: DeviceCredentials, ca?: string) {
    this.url = url;
    this.id = id;
    this.secret = secret;
    this.#ca = ca;
  }

  get channel(): string {
    return `device:${this.id}`;
  }

  /** Posts a body of any kind exactly as given. */
  async postRaw(
    body: BodyInit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<PostAnswer> {
    const answer = await fetch(`${this.url}/v1/devices/${this.id}/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${this.secret}`,
        "content-type": "application/json",
        ...headers,
      },
      body,
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(this.#ca !== undefined && { tls: { ca: this.#ca } }),
    });
    const parsed = parseObject(await answer.text());
    return {
      status: answer.status,
      headers: answer.headers,
      results: parsed.results ?? [],
      body: parsed,
    };
  }

  post(events: DeviceEvent | readonly DeviceEvent[]): Promise<PostAnswer> {
    return this.postRaw(JSON.stringify(events));
  }

  /** Posts until it is acknowledged, as a terminal on a bad line must; the event's id makes that safe. */
  postUntilStored(events: DeviceEvent | readonly DeviceEvent[]): Promise<PostAnswer> {
    const attempt = async (): Promise<PostAnswer | undefined> => {
      try {
        const answer = await this.post(events);
        return answer.status === 200 ? answer : undefined;
      } catch {
        return undefined; // the connection broke, so whether it was stored is unknown: try again
      }
    };
    return eventually(attempt, `an acknowledged post of ${this.id}`, 4 * DEADLINE_MS);
  }
}

/** What is no JSON object reads as an empty one: a test that wants fields then fails on them. */
function parseObject(text: string): Record<string, unknown> & { results?: EventResult[] } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
