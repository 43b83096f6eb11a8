import { timingSafeEqual } from "node:crypto";

/** A request as it reached the receiver. */
export interface Received {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
  readonly contentType: string | null;
}

interface Trace {
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

export const WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Answer = number | Response | ((received: Received) => Response | Promise<Response>);

/** A service that takes Standard Webhooks, and nothing with another signature. */
export class FakeWebhookReceiver implements AsyncDisposable {
  readonly url: string;
  readonly received: Received[] = [];
  /** To which trace each of them belongs. */
  readonly traces: Trace[] = [];
  /** Requests that were not signed with the secret. */
  forged = 0;
  /** The next answers, first one first; after them 204. */
  answers: Answer[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });

  constructor() {
    this.url = `http://127.0.0.1:${this.#server.port}/hooks?from=posthorn`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** Resolves when so many requests have come in all. */
  until(count: number): Promise<void> {
    if (this.received.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    if (request.method !== "POST" || !(await isSigned(request.headers, body))) {
      this.forged += 1;
      return new Response(null, { status: 401 });
    }
    const received: Received = {
      id: request.headers.get("webhook-id") ?? "",
      timestampS: Number(request.headers.get("webhook-timestamp")),
      body,
      contentType: request.headers.get("content-type"),
    };
    const trace = (name: string) => request.headers.get(name);
    this.traces.push({ traceparent: trace("traceparent"), tracestate: trace("tracestate") });
    this.received.push(received);
    for (const { count, resolve } of this.#waiting) {
      if (this.received.length >= count) resolve();
    }
    const answer = this.answers.shift() ?? 204;
    if (typeof answer === "number") return new Response(null, { status: answer });
    return answer instanceof Response ? answer : await answer(received);
  }
}

/** As a receiver would check it, with other means than those that made it. */
async function isSigned(headers: Headers, body: string): Promise<boolean> {
  const [id, timestamp] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
  const secret = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const wanted = Buffer.from(await crypto.subtle.sign("HMAC", key, content));
  const signatures = (headers.get("webhook-signature") ?? "").split(" ");
  return signatures.some((signature) => {
    const found = Buffer.from(signature.replace(/^v1,/, ""), "base64");
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  });
}
