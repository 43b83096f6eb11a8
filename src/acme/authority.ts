import { z } from "zod";
import { parseRetryAfterMs } from "../core/backoff.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier, CourierAnswer } from "../core/ports/courier.ts";
import type { AccountKey } from "./account-key.ts";
import { AcmeFailure } from "./acme-failure.ts";
import { ACME_LIMITS } from "./limits.ts";
import { AcmeProblem, kindOf, type ProblemContext, toFailure, unusable } from "./problem-words.ts";

/** Where the authority does what (RFC 8555 §7.1.1). */
const Directory = z.object({
  newNonce: z.string(),
  newAccount: z.string(),
  newOrder: z.string(),
  /** RFC 9773. */
  renewalInfo: z.string().optional(),
  meta: z
    .object({
      termsOfService: z.string().optional(),
      externalAccountRequired: z.boolean().optional(),
    })
    .default({}),
});
export type Directory = z.infer<typeof Directory>;

export interface AuthorityParts {
  readonly directoryUrl: string;
  /** PEM text: whom to trust instead of those the machine trusts. */
  readonly directoryCa?: string | undefined;
  readonly agent: string;
  readonly courier: Courier;
  readonly clock: Clock;
}

/** What the authority said to a request that it took. */
export interface Answer {
  readonly text: string;
  readonly location: string | undefined;
  readonly retryAfterMs: number | undefined;
}

type Received = Extract<CourierAnswer, { readonly ok: true }>;

const DIRECTORY_REMEDY =
  "Correct acme.directory, or let this machine reach it: firewall, name service, and acme.directory_ca where its certificate is of a private authority";

/** A certificate authority, as one account sees it. */
export class Authority {
  readonly directory: Directory;
  readonly #parts: AuthorityParts;
  readonly #key: AccountKey;
  #account: string | undefined;
  #nonce: string | undefined;

  private constructor(parts: AuthorityParts, key: AccountKey, directory: Directory) {
    this.#parts = parts;
    this.#key = key;
    this.directory = directory;
  }

  static async find(parts: AuthorityParts, key: AccountKey): Promise<Authority> {
    const doing = `Cannot ask the certificate authority at ${parts.directoryUrl}`;
    const answer = await send(parts, { method: "GET", url: parts.directoryUrl, doing });
    if (answer.status !== 200) {
      throw new AcmeFailure(`${doing}: it answered ${answer.status}`, {
        remedy: DIRECTORY_REMEDY,
        retryAfterMs: retryAfter(parts, answer),
      });
    }
    const directory = readAs(Directory, { text: answer.text, doing, remedy: DIRECTORY_REMEDY });
    return new Authority(parts, key, directory);
  }

  /** Signs as this account from now on. */
  useAccount(url: string): void {
    this.#account = url;
  }

  /** Reads what needs no account; undefined unless it answers 200. */
  async get(url: string, doing: string): Promise<Answer | undefined> {
    const answer = await send(this.#parts, { method: "GET", url, doing });
    return answer.status === 200 ? this.#toAnswer(answer, url) : undefined;
  }

  /** Sends something signed; without a payload it only reads. Throws what the authority has against it. */
  async post(url: string, payload: unknown, context: ProblemContext): Promise<Answer> {
    const { doing } = context;
    for (let more: number = ACME_LIMITS.nonceAttemptsMax; ; more -= 1) {
      const answer = await this.#postOnce(url, payload, doing);
      if (answer.status < 300) return this.#toAnswer(answer, url);
      const problem = readProblem(answer);
      if (kindOf(problem) === "badNonce" && more > 1) continue;
      const retryAfterMs = retryAfter(this.#parts, answer);
      throw toFailure(problem, { ...context, retryAfterMs });
    }
  }

  async #postOnce(url: string, payload: unknown, doing: string): Promise<Received> {
    const nonce = this.#nonce ?? (await this.#newNonce(doing));
    // It is good for one request only.
    this.#nonce = undefined;
    const identity = this.#account === undefined ? { jwk: this.#key.jwk } : { kid: this.#account };
    const text = payload === undefined ? "" : JSON.stringify(payload);
    const body = await this.#key.sign(text, { url, nonce, ...identity });
    const answer = await send(this.#parts, { method: "POST", url, body, doing });
    this.#nonce = answer.header("replay-nonce");
    return answer;
  }

  async #newNonce(doing: string): Promise<string> {
    const url = this.directory.newNonce;
    const nonce = (await send(this.#parts, { method: "GET", url, doing })).header("replay-nonce");
    if (nonce === undefined) throw unusable(doing, "the authority gave no nonce");
    return nonce;
  }

  #toAnswer(answer: Received, asked: string): Answer {
    const { text } = answer;
    // It may be relative (RFC 9110 §10.2.2), though ACME's own examples never are.
    const written = answer.header("location");
    const location = written === undefined ? undefined : URL.parse(written, asked)?.href;
    return { text, location, retryAfterMs: retryAfter(this.#parts, answer) };
  }
}

interface Reading {
  readonly text: string;
  readonly doing: string;
  readonly remedy?: string;
}

/** Reads an answer, or throws that it is none. */
export function readAs<Schema extends z.ZodType>(
  schema: Schema,
  { text, doing, remedy }: Reading,
): z.infer<Schema> {
  const read = schema.safeParse(jsonOf(text));
  if (read.success) return read.data;
  const why = "what it answered is not of ACME (RFC 8555)";
  if (remedy === undefined) throw unusable(doing, why, read.error);
  throw new AcmeFailure(`${doing}: ${why}`, { remedy, cause: read.error });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no answer of ours is that
  }
}

interface Asking {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly body?: string;
  readonly doing: string;
}

async function send(
  { courier, agent, directoryCa }: AuthorityParts,
  { method, url, body, doing }: Asking,
): Promise<Received> {
  const answer = await courier.send({
    method,
    url,
    headers: {
      "user-agent": agent,
      ...(body !== undefined && { "content-type": "application/jose+json" }),
    },
    ...(body !== undefined && { body }),
    ...(directoryCa !== undefined && { ca: directoryCa }),
    timeoutMs: ACME_LIMITS.requestTimeoutMs,
    answerMaxBytes: ACME_LIMITS.answerMaxBytes,
  });
  if (answer.ok) return answer;
  const { host } = new URL(url);
  throw new AcmeFailure(`${doing}: ${host} ${answer.why}`, {
    remedy: DIRECTORY_REMEDY,
    cause: answer.cause,
  });
}

function readProblem({ text, status }: Received): AcmeProblem {
  const read = AcmeProblem.safeParse(jsonOf(text));
  if (read.success) return read.data;
  return { type: `status ${status}`, detail: text, subproblems: [] };
}

function retryAfter({ clock }: AuthorityParts, answer: Received): number | undefined {
  return parseRetryAfterMs(answer.header("retry-after"), clock.nowMs());
}
