import { z } from "zod";

const PushBody = z.strictObject({
  platform: z.tuple([z.literal("android")]),
  audience: z.strictObject({ registration_id: z.tuple([z.string()]) }),
  message: z.strictObject({
    msg_content: z.string(),
    content_type: z.literal("json"),
    title: z.string(),
  }),
  options: z.strictObject({
    time_to_live: z
      .int()
      .min(0)
      .max(10 * 24 * 60 * 60),
  }),
  cid: z.string(),
});

/** A push as it reached a device. */
export interface JPushDelivery {
  readonly token: string;
  readonly hint: string;
  readonly cid: string;
}

const APP_KEY = "7d431e42dfa6a6d693ac2d04";
const MASTER_SECRET = "5e987ac6d2e04d95a9d8f0d1";

/** JPush's Push API v3, as documented, for the little of it that Posthorn uses. */
export class FakeJPush implements AsyncDisposable {
  readonly settings = { appKey: APP_KEY, secret: MASTER_SECRET, url: "" };
  readonly devices = new Set<string>();
  readonly delivered: JPushDelivery[] = [];
  /** Method and path of every call, also of those turned away. */
  readonly calls: string[] = [];
  /** Calls left in this minute, and the seconds until the next one. */
  remaining = 600;
  resetS = 42;
  /** Answers the next call for pushes in place of the real one, which may be asked for all the same. */
  intercept: ((real: () => Promise<Response>) => Response | Promise<Response>) | undefined;
  interceptCids: (() => Response) | undefined;
  readonly #issued = new Set<string>();
  readonly #results = new Map<string, string>();
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });

  constructor() {
    this.settings.url = `http://127.0.0.1:${this.#server.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** An answer as documented: errors are JSON with a code. */
  error(status: number, code: number, message = "something is wrong"): Response {
    const body = { error: { code, message }, msg_id: "1828256757" };
    return Response.json(body, { status, headers: this.#rateHeaders() });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.calls.push(`${request.method} ${pathname}${search}`);
    const credentials = Buffer.from(`${APP_KEY}:${MASTER_SECRET}`).toString("base64");
    if (request.headers.get("authorization") !== `Basic ${credentials}`) {
      return this.error(401, 1004, "authen failed");
    }
    if (this.remaining <= 0) return this.error(429, 2002, "Rate limit exceeded");
    this.remaining -= 1;
    if (request.method === "GET" && pathname === "/v3/push/cid") {
      return this.interceptCids?.() ?? this.#issue(new URLSearchParams(search).get("count"));
    }
    if (request.method !== "POST" || pathname !== "/v3/push") return this.error(405, 1001);
    const { intercept } = this;
    this.intercept = undefined;
    const real = () => this.#push(request);
    return intercept === undefined ? await real() : await intercept(real);
  }

  #issue(count: string | null): Response {
    const wanted = Number(count);
    if (!(wanted >= 1 && wanted <= 10)) return this.error(400, 1003);
    const cidlist = Array.from({ length: wanted }, () => `${APP_KEY}-${crypto.randomUUID()}`);
    for (const cid of cidlist) this.#issued.add(cid);
    return Response.json({ cidlist }, { headers: this.#rateHeaders() });
  }

  async #push(request: Request): Promise<Response> {
    if (request.headers.get("content-type") !== "application/json") return this.error(400, 1003);
    const parsed = PushBody.safeParse(await request.json());
    if (!parsed.success) return this.error(400, 1003, z.prettifyError(parsed.error));
    const { audience, message, cid } = parsed.data;
    if (!this.#issued.has(cid)) return this.error(400, 1003, "cid is not one of ours");
    const [token] = audience.registration_id;
    if (!this.devices.has(token)) {
      return this.error(400, 1011, `cannot find user by this audience ${token}`);
    }
    // Whatever is told twice under one id is answered as the first time, and done once.
    const known = this.#results.get(cid);
    const msgId = known ?? String(1_828_256_757 + this.#results.size);
    if (known === undefined) {
      this.#results.set(cid, msgId);
      this.delivered.push({ token, hint: message.msg_content, cid });
    }
    return Response.json({ sendno: "0", msg_id: msgId }, { headers: this.#rateHeaders() });
  }

  #rateHeaders(): Record<string, string> {
    return {
      "x-rate-limit-quota": "600",
      "x-rate-limit-remaining": String(this.remaining),
      "x-rate-limit-reset": String(this.resetS),
    };
  }
}
