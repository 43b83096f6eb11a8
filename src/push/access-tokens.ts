import { Buffer } from "node:buffer";
import { sign } from "node:crypto";
import { parseRetryAfterMs } from "../core/backoff.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier, CourierAnswer } from "../core/ports/courier.ts";
import type { WakeOutcome } from "../core/ports/push.ts";
import { membersOf } from "./json-members.ts";
import type { ServiceAccount } from "./service-account.ts";

/** A token, or why there is none. */
export type Access =
  | { readonly token: string }
  | { readonly failure: Extract<WakeOutcome, { readonly outcome: "retry" | "stopped" }> };

export interface AccessTokensOptions {
  readonly account: ServiceAccount;
  readonly courier: Courier;
  readonly clock: Clock;
}

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_TTL_S = 3600;
/** A token that is about to expire could do so on its way. */
const EXPIRY_MARGIN_MS = 60_000;
const RETRY_MS = 10_000;

/** The access tokens (OAuth 2) of a service account: one at a time, kept until shortly before it ends. */
export class AccessTokens {
  readonly #options: AccessTokensOptions;
  #current: { readonly token: string; readonly untilMs: number } | undefined;
  #fetching: Promise<Access> | undefined;

  constructor(options: AccessTokensOptions) {
    this.#options = options;
  }

  /** Whoever asks while a token is being fetched waits for that one. */
  async get(): Promise<Access> {
    const current = this.#current;
    if (current && this.#options.clock.monotonicMs() < current.untilMs) return current;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return await this.#fetching;
  }

  /** Fetches another one next time, unless that was done since `token` was given out. */
  drop(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  async #fetch(): Promise<Access> {
    const { account, courier, clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const assertion = assertionOf(account, Math.floor(clock.nowMs() / 1000));
    const answer = await courier.send({
      method: "POST",
      url: account.tokenUrl,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: GRANT_TYPE, assertion }).toString(),
      timeoutMs: LIMITS.pushTimeoutMs,
      answerMaxBytes: LIMITS.pushAnswerMaxBytes,
    });
    const { access_token: token, expires_in: ttlS } = answer.ok ? membersOf(answer.text) : {};
    if (!answer.ok || answer.status !== 200 || typeof token !== "string") {
      return { failure: classify(answer, clock.nowMs()) };
    }
    const ttlMs = typeof ttlS === "number" ? ttlS * 1000 : 0;
    this.#current = { token, untilMs: startedAtMs + ttlMs - EXPIRY_MARGIN_MS };
    return { token };
  }
}

/** RFC 7523: a JWT in which the account asks for a token in its own name. */
function assertionOf({ clientEmail, keyId, key, tokenUrl }: ServiceAccount, nowS: number): string {
  const claims = { iss: clientEmail, scope: SCOPE, aud: tokenUrl };
  const parts = [
    { alg: "RS256", typ: "JWT", kid: keyId },
    { ...claims, iat: nowS, exp: nowS + ASSERTION_TTL_S },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signature = sign("sha256", Buffer.from(signed.join(".")), key);
  return [...signed, signature.toString("base64url")].join(".");
}

function classify(answer: CourierAnswer, nowMs: number) {
  if (!answer.ok) return retry(RETRY_MS, `gave no access token: it ${answer.why}`);
  const { status, text } = answer;
  const { error } = membersOf(text);
  const name = typeof error === "string" && /^\w{1,64}$/.test(error) ? error : `status ${status}`;
  const why = `gave no access token (${name})`;
  const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (isRefusal) return { outcome: "stopped", why } as const;
  const wantedMs = parseRetryAfterMs(answer.header("retry-after"), nowMs) ?? RETRY_MS;
  return retry(Math.min(wantedMs, LIMITS.pushPauseMaxMs), why);
}

function retry(afterMs: number, why: string) {
  return { outcome: "retry", afterMs, why } as const;
}
