import { randomBytes } from "node:crypto";

/** Somebody who uses the mini-program. */
export interface WeChatUser {
  readonly openid: string;
  /** Only where the mini-program belongs to an open platform account. */
  readonly unionid?: string;
  /** WeChat takes them for a risk. */
  readonly isBlocked?: boolean;
}

interface Code {
  readonly user: WeChatUser;
  readonly untilMs: number;
  isUsed: boolean;
}

const APP_ID = "wx0123456789abcdef";
const APP_SECRET = "b4ead5ca1b8f4a5d9c3ee2fa5f0c7d21";
const CODE_TTL_MS = 5 * 60 * 1000;
const MINUTE_MS = 60_000;
const LOGINS_PER_MINUTE = 100;

/**
 * The part of WeChat that tells a backend who is behind a code of `wx.login` (code2Session), as
 * documented: answers are JSON that claims to be plain text, every error has status 200, a code is
 * good once and for five minutes, and no `errcode` means success.
 */
export class FakeWeChat implements AsyncDisposable {
  readonly settings = { appId: APP_ID, secret: APP_SECRET, url: "" };
  /** The query of every question, also of those turned away. */
  readonly calls: URLSearchParams[] = [];
  /** Every session key that was given out: none may be seen anywhere else. */
  readonly sessionKeys: string[] = [];
  /** So many of the next questions are answered with -1. */
  busy = 0;
  /** Answers the next question in place of the real one, which may be asked for all the same. */
  intercept: ((real: () => Response) => Response | Promise<Response>) | undefined;
  readonly #codes = new Map<string, Code>();
  readonly #logins = new Map<string, number[]>();
  readonly #nowMs: () => number;
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    this.settings.url = `http://127.0.0.1:${this.#server.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** What `wx.login` gives to this user's phone. */
  login(user: WeChatUser): string {
    const code = `0${randomBytes(16).toString("hex").slice(0, 31)}`;
    this.#codes.set(code, { user, untilMs: this.#nowMs() + CODE_TTL_MS, isUsed: false });
    return code;
  }

  /** An error as WeChat words it. */
  error(errcode: number, errmsg: string): Response {
    const rid = ["6512ab34", randomBytes(4).toString("hex"), "2f1c9d70"].join("-");
    return plainJson({ errcode, errmsg: `${errmsg}, rid: ${rid}` });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    this.calls.push(searchParams);
    const real = () => this.#real(request.method, pathname, searchParams);
    const { intercept } = this;
    this.intercept = undefined;
    return intercept === undefined ? real() : await intercept(real);
  }

  #real(method: string, path: string, query: URLSearchParams): Response {
    if (path !== "/sns/jscode2session") return this.error(40066, "invalid url");
    if (method !== "GET") return this.error(43001, "require GET method");
    if (this.busy > 0) {
      this.busy -= 1;
      return this.error(-1, "system error");
    }
    if (query.get("appid") !== APP_ID) return this.error(40013, "invalid appid");
    if (query.get("secret") !== APP_SECRET) return this.error(40125, "invalid appsecret");
    if (query.get("grant_type") !== "authorization_code") {
      return this.error(40002, "invalid grant_type");
    }
    return this.#exchange(query.get("js_code") ?? "");
  }

  #exchange(text: string): Response {
    if (text === "") return this.error(41008, "missing code");
    const code = this.#codes.get(text);
    if (code === undefined || this.#nowMs() > code.untilMs)
      return this.error(40029, "invalid code");
    if (code.isUsed) return this.error(40163, "code been used");
    const { openid, unionid, isBlocked = false } = code.user;
    if (isBlocked) return this.error(40226, "code blocked");
    if (this.#isTooOften(openid)) return this.error(45011, "api minute-quota reach limit");
    code.isUsed = true;
    const session_key = randomBytes(16).toString("base64");
    this.sessionKeys.push(session_key);
    return plainJson({ session_key, openid, ...(unionid !== undefined && { unionid }) });
  }

  #isTooOften(openid: string): boolean {
    const sinceMs = this.#nowMs() - MINUTE_MS;
    const recent = (this.#logins.get(openid) ?? []).filter((atMs) => atMs > sinceMs);
    this.#logins.set(openid, [...recent, this.#nowMs()]);
    return recent.length >= LOGINS_PER_MINUTE;
  }
}

function plainJson(body: Readonly<Record<string, unknown>>): Response {
  return new Response(JSON.stringify(body), { headers: { "content-type": "text/plain" } });
}
