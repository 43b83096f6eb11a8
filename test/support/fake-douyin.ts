import { randomBytes } from "node:crypto";
import { z } from "zod";

/** Somebody who uses the mini-program. */
export interface DouyinUser {
  readonly openid: string;
  readonly unionid?: string;
}

const Question = z.strictObject({
  appid: z.string(),
  secret: z.string(),
  code: z.string().optional(),
  anonymous_code: z.string().optional(),
});

const APP_ID = "tt0123456789abcdef";
const APP_SECRET = "188506c64df04bfab4fd55a31de40625ec7c0ffe";
const NO_DATA = { session_key: "", openid: "", anonymous_openid: "", unionid: "" };

/**
 * The part of Douyin that tells a backend who is behind a code of `tt.login` (code2Session, version
 * 2), as documented: every answer has status 200 and an `err_no`, and a code is good once.
 */
export class FakeDouyin implements AsyncDisposable {
  readonly settings = { appId: APP_ID, secret: APP_SECRET, url: "" };
  /** The body of every question, also of those turned away. */
  readonly calls: unknown[] = [];
  /** Every session key that was given out: none may be seen anywhere else. */
  readonly sessionKeys: string[] = [];
  /** Answers the next question in place of the real one. */
  intercept: (() => Response) | undefined;
  readonly #codes = new Map<string, DouyinUser>();
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });

  constructor() {
    this.settings.url = `http://127.0.0.1:${this.#server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** What `tt.login` gives to this user's phone. */
  login(user: DouyinUser): string {
    const code = randomBytes(24).toString("base64url");
    this.#codes.set(code, user);
    return code;
  }

  /** An error as Douyin words it. */
  error(err_no: number, err_tips: string): Response {
    return this.#say({ err_no, err_tips, data: NO_DATA });
  }

  async #answer(request: Request): Promise<Response> {
    const body: unknown = await request.json();
    this.calls.push(body);
    const { intercept } = this;
    this.intercept = undefined;
    return intercept?.() ?? this.#real(request, body);
  }

  #real({ method, url, headers }: Request, body: unknown): Response {
    const isKnown = new URL(url).pathname === "/api/apps/v2/jscode2session";
    if (!isKnown || method !== "POST") return new Response("404 page not found", { status: 404 });
    const question = Question.safeParse(body);
    if (!question.success || headers.get("content-type") !== "application/json") {
      return this.error(40014, "bad parameters");
    }
    const { appid, secret, code = "" } = question.data;
    if (appid !== APP_ID) return this.error(40015, "bad appid");
    if (secret !== APP_SECRET) return this.error(40017, "bad secret");
    const user = this.#codes.get(code);
    if (user === undefined) return this.error(40018, "bad code");
    this.#codes.delete(code);
    const session_key = randomBytes(16).toString("base64");
    this.sessionKeys.push(session_key);
    const data = { session_key, anonymous_openid: "", unionid: "", ...user };
    return this.#say({ err_no: 0, err_tips: "success", data });
  }

  #say(body: Readonly<Record<string, unknown>>): Response {
    const log_id = `20241021170132${randomBytes(9).toString("hex").toUpperCase()}`;
    return Response.json({ log_id, ...body });
  }
}
