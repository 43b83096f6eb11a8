import { createSign, createVerify, generateKeyPairSync, randomBytes } from "node:crypto";
import type { Workspace } from "./workspace.ts";

/** Somebody who uses the mini-program, by the names that Alipay has for them. */
export interface AlipayUser {
  readonly open_id?: string;
  readonly union_id?: string;
  /** What apps get that are older than openids. */
  readonly user_id?: string;
}

const APP_ID = "2021001122334455";
const PATH = "/gateway.do";
const CLOCKS_APART_MAX_MS = 10 * 60 * 1000;

/** Of the app, of Alipay, and of somebody else. Made once: it takes long. */
const [APP, ALIPAY, OTHER] = [0, 1, 2].map(() => {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}) as [KeyPair, KeyPair, KeyPair];

interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The keys of the app, of Alipay and of somebody else, in PEM. */
export const ALIPAY_KEYS = { app: APP, alipay: ALIPAY, other: OTHER } as const;

/**
 * The part of Alipay that tells a backend who is behind a code of `my.getAuthCode`
 * (alipay.system.oauth.token), as documented: it wants every parameter signed (RSA2), looks at the app
 * first and at the signature then, signs what it answers as it wrote it, with its slashes escaped, and
 * knows a code once.
 */
export class FakeAlipay implements AsyncDisposable {
  readonly settings: {
    readonly appId: string;
    readonly url: string;
    readonly privateKeyFile: string;
    readonly alipayPublicKeyFile: string;
  };
  /** Every parameter of every question, also of those turned away. */
  readonly calls: Readonly<Record<string, string>>[] = [];
  /** The queries of all of them, which others may see. */
  readonly queries: string[] = [];
  /** Every token that was given out: none may be seen anywhere else. */
  readonly tokens: string[] = [];
  /** Answers the next question in place of the real one. */
  intercept: (() => Response) | undefined;
  readonly #codes = new Map<string, AlipayUser>();
  readonly #nowMs: () => number;
  readonly #server: Bun.Server<undefined>;

  /** Its server, and the files of the keys in a directory. */
  static async start(workspace: Workspace, nowMs: () => number = Date.now): Promise<FakeAlipay> {
    const files = {
      privateKeyFile: await workspace.write("alipay-app.pem", APP.privateKey),
      alipayPublicKeyFile: await workspace.write("alipay-public.pem", ALIPAY.publicKey),
    };
    return new FakeAlipay(files, nowMs);
  }

  private constructor(
    files: Pick<FakeAlipay["settings"], "privateKeyFile" | "alipayPublicKeyFile">,
    nowMs: () => number,
  ) {
    this.#nowMs = nowMs;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => this.#answer(request),
    });
    const url = `http://127.0.0.1:${this.#server.port}${PATH}`;
    this.settings = { appId: APP_ID, url, ...files };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** What `my.getAuthCode` gives to this user's phone. */
  login(user: AlipayUser): string {
    const code = randomBytes(16).toString("hex");
    this.#codes.set(code, user);
    return code;
  }

  /** An error as Alipay words it. */
  error(code: string, sub_code: string): Response {
    const node = { code, msg: "Invalid Arguments", sub_code, sub_msg: "授权码 canary/无效" };
    return signed("error_response", node);
  }

  async #answer(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const form = new URLSearchParams(await request.text());
    const parameters = Object.fromEntries([...searchParams, ...form]);
    this.calls.push(parameters);
    this.queries.push(searchParams.toString());
    const { intercept } = this;
    this.intercept = undefined;
    return intercept?.() ?? this.#real(request, parameters);
  }

  #real({ method, url, headers }: Request, parameters: Readonly<Record<string, string>>): Response {
    const isForm =
      headers.get("content-type") === "application/x-www-form-urlencoded;charset=utf-8";
    if (new URL(url).pathname !== PATH || method !== "POST" || !isForm) {
      return new Response("<html></html>", { status: 404 });
    }
    const problem = this.#problemOf(parameters);
    if (problem !== undefined) return problem;
    const { code = "" } = parameters;
    const user = this.#codes.get(code);
    if (user === undefined) return this.error("40002", "isv.code-invalid");
    this.#codes.delete(code);
    const [access_token, refresh_token] = [this.#token(), this.#token()];
    const times = { expires_in: 3600, re_expires_in: 3600, auth_start: "2026-11-23 14:39:28" };
    return signed("alipay_system_oauth_token_response", {
      ...{ access_token, refresh_token },
      ...times,
      ...user,
    });
  }

  #problemOf(parameters: Readonly<Record<string, string>>): Response | undefined {
    const { app_id, method, charset, sign_type, timestamp = "", version, grant_type } = parameters;
    if (method !== "alipay.system.oauth.token") return this.error("40002", "isv.invalid-method");
    if (app_id !== APP_ID) return this.error("40002", "isv.invalid-app-id");
    if (charset !== "utf-8") return this.error("40002", "isv.invalid-charset");
    if (sign_type !== "RSA2") return this.error("40002", "isv.invalid-signature-type");
    if (version !== "1.0") return this.error("40001", "isv.missing-version");
    if (!isSigned(parameters)) return this.error("40002", "isv.invalid-signature");
    const atMs = Date.parse(`${timestamp.replace(/^(\S+) (\S+)$/, "$1T$2")}+08:00`);
    const isNow = Math.abs(atMs - this.#nowMs()) <= CLOCKS_APART_MAX_MS;
    if (!isNow) return this.error("40002", "isv.invalid-timestamp");
    const isCode = grant_type === "authorization_code";
    return isCode ? undefined : this.error("40002", "isv.grant-type-invalid");
  }

  #token(): string {
    const token = `authusrB/${randomBytes(12).toString("hex")}`;
    this.tokens.push(token);
    return token;
  }
}

/** An answer as Alipay writes it, signed by its key or by another. */
export function signed(name: string, node: object, { privateKey }: KeyPair = ALIPAY): Response {
  const text = JSON.stringify(node).replaceAll("/", "\\/");
  const sign = createSign("RSA-SHA256").update(text, "utf8").sign(privateKey, "base64");
  return new Response(`{"${name}":${text},"sign":"${sign}"}`, {
    headers: { "content-type": "text/html;charset=utf-8" },
  });
}

/** All that is not empty, but the signature, in the order of the names. */
function isSigned({ sign = "", ...others }: Readonly<Record<string, string>>): boolean {
  const verifier = createVerify("RSA-SHA256");
  const names = Object.keys(others).filter((name) => others[name] !== "");
  for (const [index, name] of names.sort().entries()) {
    verifier.update(`${index === 0 ? "" : "&"}${name}=${others[name]}`, "utf8");
  }
  return verifier.verify(APP.publicKey, sign, "base64");
}
