import { generateKeyPairSync, verify } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../src/core/ports/clock.ts";
import { claimsIn } from "./jwt.ts";

const SendBody = z.strictObject({
  validate_only: z.literal(false),
  message: z.strictObject({
    token: z.string(),
    data: z.record(z.string(), z.string()),
    android: z.strictObject({
      priority: z.literal("HIGH"),
      ttl: z.string().regex(/^\d+s$/),
      collapse_key: z.string(),
      direct_boot_ok: z.literal(true),
      restricted_package_name: z.string().optional(),
    }),
  }),
});

export type FcmMessage = z.infer<typeof SendBody>["message"];

const ACCOUNT = "posthorn@shop-project.iam.gserviceaccount.com";
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";
const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** An error of FCM or of Google, as documented. */
export interface FcmFailure {
  readonly status: number;
  /** FCM's own code; without it the error is Google's in general. */
  readonly errorCode?: string;
  readonly message?: string;
  /** The field that a BadRequest detail blames. */
  readonly field?: string;
  readonly retryAfter?: string;
}

/** Google's OAuth and FCM HTTP v1, as documented, for the little of them that Posthorn uses. */
export class FakeFcm implements AsyncDisposable {
  readonly url: string;
  readonly registered = new Set<string>();
  readonly delivered: FcmMessage[] = [];
  /** Path of every call, also of those turned away. */
  readonly calls: string[] = [];
  expiresInS = 3599;
  /** Answers the next call in place of the real one. */
  interceptSend: (() => Response | Promise<Response>) | undefined;
  interceptToken: (() => Response | Promise<Response>) | undefined;
  readonly #clock: Clock;
  readonly #valid = new Set<string>();
  #issued = 0;
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  /** The file that the console gives out. */
  credentials(more: Readonly<Record<string, unknown>> = {}): string {
    return JSON.stringify({
      type: "service_account",
      project_id: "shop-project",
      private_key_id: "key-1",
      private_key: KEYS.privateKey.export({ type: "pkcs8", format: "pem" }),
      client_email: ACCOUNT,
      token_uri: this.#tokenUrl,
      ...more,
    });
  }

  /** Makes every access token worthless before its time. */
  revoke(): void {
    this.#valid.clear();
  }

  failure({ status, errorCode, message = "no", field, retryAfter }: FcmFailure): Response {
    const details = [
      ...(errorCode === undefined ? [] : [{ "@type": FCM_ERROR, errorCode }]),
      ...(field === undefined ? [] : [{ "@type": BAD_REQUEST, fieldViolations: [{ field }] }]),
    ];
    const error = { code: status, message, ...(details.length > 0 && { details }) };
    const headers = new Headers(retryAfter === undefined ? {} : { "retry-after": retryAfter });
    return Response.json({ error }, { status, headers });
  }

  get #tokenUrl(): string {
    return `${this.url}/token`;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.calls.push(pathname);
    if (pathname === "/token") {
      const { interceptToken } = this;
      this.interceptToken = undefined;
      return (await interceptToken?.()) ?? this.#issue(new URLSearchParams(await request.text()));
    }
    const { interceptSend } = this;
    this.interceptSend = undefined;
    if (interceptSend !== undefined) return await interceptSend();
    if (pathname !== "/v1/projects/shop-project/messages:send") {
      return this.failure({ status: 404, message: "Requested entity was not found." });
    }
    return await this.#send(request);
  }

  #issue(form: URLSearchParams): Response {
    const assertion = form.get("assertion") ?? "";
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const isSigned = verify(
      "sha256",
      Buffer.from(`${header}.${claims}`),
      KEYS.publicKey,
      Buffer.from(signature, "base64url"),
    );
    const nowS = Math.floor(this.#clock.nowMs() / 1000);
    const isRight =
      form.get("grant_type") === GRANT_TYPE &&
      isSigned &&
      Buffer.from(header, "base64url").toString() === '{"alg":"RS256","typ":"JWT","kid":"key-1"}' &&
      Bun.deepEquals(JSON.parse(claimsIn(assertion)), {
        iss: ACCOUNT,
        scope: SCOPE,
        aud: this.#tokenUrl,
        iat: nowS,
        exp: nowS + 3600,
      });
    if (!isRight) return Response.json({ error: "invalid_grant" }, { status: 400 });
    this.#issued += 1;
    const token = `ya29.canary-${this.#issued}`;
    this.#valid.add(token);
    return Response.json({
      access_token: token,
      expires_in: this.expiresInS,
      token_type: "Bearer",
    });
  }

  async #send(request: Request): Promise<Response> {
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (!this.#valid.has(token)) return this.failure({ status: 401 });
    const parsed = SendBody.safeParse(await request.json());
    if (!parsed.success) return this.failure({ status: 400, errorCode: "INVALID_ARGUMENT" });
    const { message } = parsed.data;
    if (!this.registered.has(message.token)) {
      return this.failure({ status: 404, errorCode: "UNREGISTERED" });
    }
    this.delivered.push(message);
    const name = `projects/shop-project/messages/0:${this.delivered.length}`;
    return Response.json({ name });
  }
}
