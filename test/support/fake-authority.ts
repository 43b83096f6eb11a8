import type { Courier, CourierAnswer } from "../../src/core/ports/courier.ts";
import type { WebRequest } from "../../src/core/ports/web-client.ts";
import {
  AuthorityKeyIdentifierExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "../../src/tls/x509.ts";

import type { FakeClock } from "./fake-clock.ts";

const ROOT = "https://ca.test";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const DAY_MS = 24 * 60 * 60 * 1000;

interface Signed {
  readonly url: string;
  readonly nonce: string;
  readonly kid?: string;
  readonly jwk?: object;
  readonly payload: unknown;
}

export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly detail?: string;
  readonly retryAfter?: string;
}

/** An authority as RFC 8555 has it, without a network; signatures are for the real one to check. */
export class FakeAuthority implements Courier {
  static readonly directory = `${ROOT}/dir`;
  readonly requests: { readonly path: string; readonly payload: unknown }[] = [];
  /** Of which accounts requests were signed. */
  readonly kids = new Set<string>();
  /** What it says to whoever orders, instead of taking the order. */
  refusal: Refusal | undefined;
  /** Why it does not believe a name, by that name. */
  readonly disbelief = new Map<string, string>();
  /** How often it wants to be asked again before it is done with anything. */
  slowness = 0;
  /** The next so many nonces are refused. */
  staleNonces = 0;
  isDown = false;
  /** What it writes before the path of a Location; nothing makes that a relative one. */
  locationRoot = ROOT;
  /** Hears of each signed request before it is answered. */
  onRequest: (path: string) => void = () => undefined;
  validDays = 90;
  needsExternalAccount = false;
  /** RFC 9773; absent: it gives no such advice. */
  advice: { start: number; end: number } | undefined;
  readonly #clock: FakeClock;
  readonly #responder: (token: string) => string | undefined;
  readonly #nonces = new Set<string>();
  #made = 0;
  #names: readonly string[] = [];
  #state: "pending" | "processing" | "valid" | "invalid" = "pending";
  #looks = 0;
  readonly #checked = new Map<string, "pending" | "valid" | "invalid">();
  #cert = "";

  constructor(clock: FakeClock, responder: (token: string) => string | undefined) {
    this.#clock = clock;
    this.#responder = responder;
  }

  /** How often somebody has ordered. */
  get orders(): number {
    return this.requests.filter(({ path }) => path === "/new-order").length;
  }

  async send(request: WebRequest): Promise<CourierAnswer> {
    if (this.isDown) return { ok: false, why: "could not be reached (ECONNREFUSED)" };
    const path = request.url.slice(ROOT.length);
    if (request.method === "GET") return this.#get(path);
    const signed = decode(request.body ?? "");
    if (signed.url !== request.url) throw new Error(`signed for ${signed.url}: ${request.url}`);
    if (!this.#nonces.delete(signed.nonce)) throw new Error("a nonce was used twice");
    if (this.staleNonces > 0) {
      this.staleNonces -= 1;
      return this.#refuse({ status: 400, type: "badNonce" });
    }
    if ((path === "/new-account") === (signed.jwk === undefined)) throw new Error("signed wrongly");
    if (signed.kid !== undefined) this.kids.add(signed.kid);
    this.requests.push({ path, payload: signed.payload });
    this.onRequest(path);
    return await this.#post(path, signed.payload);
  }

  #get(path: string): CourierAnswer {
    if (path === "/nonce") return this.#answer({});
    if (path.startsWith("/renewal/")) {
      this.requests.push({ path, payload: undefined });
      if (this.advice === undefined) return this.#refuse({ status: 404, type: "malformed" });
      const { start, end } = this.advice;
      const iso = (ms: number) => new Date(ms).toISOString();
      return this.#answer({ suggestedWindow: { start: iso(start), end: iso(end) } });
    }
    return this.#answer({
      newNonce: `${ROOT}/nonce`,
      newAccount: `${ROOT}/new-account`,
      newOrder: `${ROOT}/new-order`,
      ...(this.advice && { renewalInfo: `${ROOT}/renewal` }),
      meta: { externalAccountRequired: this.needsExternalAccount },
    });
  }

  async #post(path: string, payload: unknown): Promise<CourierAnswer> {
    if (path === "/new-account")
      return this.#answer({}, { location: `${this.locationRoot}/account/1` });
    if (path === "/new-order") return this.#order(payload as { identifiers: { value: string }[] });
    if (path.startsWith("/authz/")) return this.#authorization(path.slice("/authz/".length));
    if (path.startsWith("/check/")) return this.#check(path.slice("/check/".length));
    if (path === "/finalize") return await this.#finalize(payload as { csr: string });
    if (path === "/certificate") return this.#answer(this.#cert);
    return this.#answer(this.#orderNow());
  }

  #order({ identifiers }: { identifiers: { value: string }[] }): CourierAnswer {
    if (this.refusal !== undefined) return this.#refuse(this.refusal);
    this.#names = identifiers.map(({ value }) => value);
    this.#state = "pending";
    this.#checked.clear();
    return this.#answer(this.#orderNow(), { location: `${this.locationRoot}/order` });
  }

  #orderNow() {
    const isReady = this.#names.every((name) => this.#checked.get(name) === "valid");
    const wasProcessing = this.#state === "processing";
    if (wasProcessing && this.#isDone()) this.#state = "valid";
    return {
      status: this.#state === "pending" && isReady ? "ready" : this.#state,
      authorizations: this.#names.map((name) => `${ROOT}/authz/${name}`),
      finalize: `${ROOT}/finalize`,
      certificate: `${ROOT}/certificate`,
    };
  }

  #authorization(name: string): CourierAnswer {
    const why = this.disbelief.get(name);
    const checked = this.#checked.get(name);
    const status = checked === undefined || !this.#isDone() ? "pending" : checked;
    const error = { type: "urn:ietf:params:acme:error:connection", detail: why };
    const token = `token-of-${name.replaceAll(".", "-")}`;
    const http = { type: "http-01", url: `${ROOT}/check/${name}`, token };
    return this.#answer({
      status,
      identifier: { type: "dns", value: name },
      challenges: [{ type: "dns-01" }, { ...http, ...(status === "invalid" && { error }) }],
    });
  }

  #check(name: string): CourierAnswer {
    const shown = this.#responder(`token-of-${name.replaceAll(".", "-")}`) ?? "";
    const isRight = shown.startsWith(`token-of-${name.replaceAll(".", "-")}.`);
    const isBelieved = isRight && !this.disbelief.has(name);
    this.#looks = this.slowness;
    this.#checked.set(name, isBelieved ? "valid" : "invalid");
    return this.#answer({});
  }

  async #finalize({ csr }: { csr: string }): Promise<CourierAnswer> {
    // After its polyfill, which our own module has loaded.
    const { Pkcs10CertificateRequest } = await import("@peculiar/x509");
    const request = new Pkcs10CertificateRequest(Buffer.from(csr, "base64url"));
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const [wanted] = request.getExtensions(SUBJECT_ALTERNATIVE_NAME);
    const names = new SubjectAlternativeNameExtension(wanted?.rawData ?? new ArrayBuffer());
    const asked = names.names.items.map(({ value }) => value).toSorted();
    if (asked.join() !== this.#names.toSorted().join()) throw new Error(`asked for ${asked}`);
    const nowMs = this.#clock.nowMs();
    const certificate = await X509CertificateGenerator.create({
      subject: "",
      issuer: "CN=Fake CA",
      publicKey: request.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(nowMs),
      notAfter: new Date(nowMs + this.validDays * DAY_MS),
      extensions: [
        new SubjectAlternativeNameExtension(
          asked.map((value) => ({ type: "dns" as const, value })),
        ),
        await AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    this.#cert = `${certificate.toString("pem")}\n`;
    this.#looks = this.slowness;
    this.#state = "processing";
    return this.#answer(this.#orderNow());
  }

  #isDone(): boolean {
    this.#looks -= 1;
    return this.#looks < 0;
  }

  #refuse({ status, type, detail = "", retryAfter }: Refusal): CourierAnswer {
    const body = { type: `urn:ietf:params:acme:error:${type}`, detail };
    return this.#answer(body, { status, ...(retryAfter && { "retry-after": retryAfter }) });
  }

  #answer(body: unknown, { status = 200, ...headers }: AnswerHead = {}): CourierAnswer {
    const nonce = `nonce-${++this.#made}`;
    this.#nonces.add(nonce);
    const all = new Map(Object.entries({ "replay-nonce": nonce, ...headers }));
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return { ok: true, status, header: (name) => all.get(name)?.toString(), text };
  }
}

interface AnswerHead {
  readonly status?: number;
  readonly location?: string;
  readonly "retry-after"?: string;
}

function decode(body: string): Signed {
  const { protected: head, payload } = JSON.parse(body);
  const text = (part: string) => Buffer.from(part, "base64url").toString();
  const read = text(payload);
  return { ...JSON.parse(text(head)), payload: read === "" ? undefined : JSON.parse(read) };
}
