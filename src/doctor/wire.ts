import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, rootCertificates, type TLSSocket } from "node:tls";
import type { Clock } from "../core/ports/clock.ts";
import { VISIT_LIMITS } from "./limits.ts";

/** Why nothing came of a connection; the catalogues have words for each. */
export type Trouble =
  | "refused"
  | "timeout"
  | "reset"
  | "unreachable"
  | "ended"
  | "too_long"
  | "no_http"
  | "http2"
  | "tls"
  | "unknown";

/** A connection came to nothing. Its message may quote the peer. */
export class WireTrouble extends Error {
  override readonly name = "WireTrouble";
  readonly trouble: Trouble;

  constructor(trouble: Trouble, options: ErrorOptions & { readonly detail?: string } = {}) {
    super(`Cannot go on: ${options.detail ?? trouble}`, options);
    this.trouble = trouble;
  }
}

/** What {@link openWire} connects to. */
export interface WireOptions {
  readonly address: string;
  readonly port: number;
  /** Absent: plain TCP. */
  readonly tls?: {
    /** What a phone would dial. */
    readonly host: string;
    /** PEM of authorities to trust beside the public ones. */
    readonly ca?: string;
  };
}

/** What the runtime thinks of the certificate it was shown. */
export interface Trust {
  readonly isTrusted: boolean;
  /** Only thanks to the authority that was named beside the public ones. */
  readonly isNamed?: boolean;
  /** OpenSSL's name for why not, such as `CERT_HAS_EXPIRED`. */
  readonly reason?: string;
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
};

/** Lets `work` take that long, or throws a {@link WireTrouble}. */
export async function within<T>(clock: Clock, waitMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(waitMs, () => reject(new WireTrouble("timeout")));
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}

/** Why something failed on a connection. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof WireTrouble) return error.trouble;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return TROUBLES[code] ?? (/SSL|TLS|CERT/.test(code) ? "tls" : "unknown");
}

/** Connects, and does not mind what certificate it is shown: {@link Wire.trust} says what to think of it. */
export async function openWire(options: WireOptions, clock: Clock): Promise<Wire> {
  const socket = options.tls === undefined ? connectPlain(placeOf(options)) : dialTls(options);
  const wire = new Wire(socket, clock);
  const opened = Promise.withResolvers<void>();
  socket.once(options.tls === undefined ? "connect" : "secureConnect", () => opened.resolve());
  socket.once("error", opened.reject);
  socket.once("close", () => opened.reject(new WireTrouble("ended")));
  try {
    await within(clock, VISIT_LIMITS.stepMs, opened.promise);
    return wire;
  } catch (error) {
    wire[Symbol.dispose]();
    throw error;
  }
}

function dialTls(options: WireOptions & { readonly tls?: WireOptions["tls"] }): TLSSocket {
  const { host = options.address, ca } = options.tls ?? {};
  return connectTls({
    ...placeOf(options),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    // An address is no name to send; the certificate is compared with it all the same.
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  });
}

function placeOf({ address, port }: WireOptions) {
  return { host: address, port };
}

/** A connection that is read when one wants to. */
export class Wire implements Disposable {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #chunks: Uint8Array[] = [];
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #end: { readonly error?: Error } | undefined;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("end", () => this.#finish({}));
    socket.on("close", () => this.#finish({}));
    socket.on("error", (error) => this.#finish({ error }));
  }

  /** Absent on plain TCP. */
  get trust(): Trust | undefined {
    if (!("authorized" in this.#socket)) return undefined;
    const { authorized, authorizationError } = this.#socket as TLSSocket;
    if (authorized) return { isTrusted: true };
    return { isTrusted: false, reason: reasonOf(authorizationError) };
  }

  write(bytes: Uint8Array | string): void {
    if (this.#end === undefined) this.#socket.write(bytes);
  }

  /** The next bytes; undefined when the peer ended. Throws when it broke off or took too long. */
  async read(waitMs: number = VISIT_LIMITS.stepMs): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return chunk;
    if (this.#end !== undefined) return this.#ended();
    this.#socket.resume();
    const waiting = Promise.withResolvers<Uint8Array | undefined>();
    this.#waiting = waiting;
    try {
      return await within(this.#clock, waitMs, waiting.promise);
    } finally {
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    if (this.#waiting !== undefined) {
      this.#waiting.resolve(chunk);
      this.#waiting = undefined;
      return;
    }
    this.#chunks.push(chunk);
    // What nobody reads stays with the peer.
    this.#socket.pause();
  }

  #finish(end: { readonly error?: Error }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (end.error === undefined) this.#waiting?.resolve(undefined);
    else this.#waiting?.reject(end.error);
    this.#waiting = undefined;
  }

  #ended(): undefined {
    if (this.#end?.error !== undefined) throw this.#end.error;
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return "code" in error ? String(error.code) : error.message;
  return String(error);
}
