import { Buffer } from "node:buffer";
import type { Clock } from "../core/ports/clock.ts";
import type { Certificate } from "../tls/certificate.ts";
import { encodePem } from "../tls/pem.ts";
import { clientHello, TLS_VERSIONS, type TlsVersion, VERSION_NUMBERS } from "./client-hello.ts";
import { concat } from "./http-exchange.ts";
import { VISIT_LIMITS } from "./limits.ts";
import { NO_TLS, readServerWords, type ServerWords } from "./server-hello.ts";
import { isName } from "./target.ts";
import {
  openWire,
  type Trouble,
  type Trust,
  troubleOf,
  type WireOptions,
  WireTrouble,
} from "./wire.ts";

/** What a server made of an offer to speak one version. */
export type VersionAnswer = "accepted" | "refused" | "silent";

/** What was seen of a server's TLS. */
export interface TlsSeen {
  readonly versions: Readonly<Record<TlsVersion, VersionAnswer>>;
  /** As it was served, which is not always what a handshake shows; absent where only TLS 1.3 is spoken. */
  readonly chain?: readonly Certificate[];
  /** Whether this machine would have gone on, and why not. */
  readonly trust: Trust | { readonly trouble: Trouble };
  /** For each certificate, whether the one after it signed it. */
  readonly isLinked: readonly boolean[];
}

/** What a server says that does not want to speak HTTP/1.1 (RFC 7301 §3.2). */
const NO_APPLICATION_PROTOCOL = 120;

/** Looks at a server's TLS from the first byte on. */
export async function observeTls(options: Required<WireOptions>, clock: Clock): Promise<TlsSeen> {
  const asked = TLS_VERSIONS.map((version) => offer(version, options, clock));
  const [words, trust] = await Promise.all([Promise.all(asked), observeTrust(options, clock)]);
  const answers = TLS_VERSIONS.map((version, place) => [
    version,
    answerOf(VERSION_NUMBERS[version], words[place]),
  ]);
  const isHttp2 = words.some((it) => it?.alert === NO_APPLICATION_PROTOCOL);
  const ders = words.findLast((it) => (it?.chain?.length ?? 0) > 0)?.chain;
  return {
    versions: Object.fromEntries(answers),
    trust: isHttp2 ? { trouble: "http2" } : trust,
    ...(await readChain(ders)),
  };
}

async function observeTrust(options: WireOptions, clock: Clock): Promise<TlsSeen["trust"]> {
  try {
    const trust = await trustOn(options, clock);
    if (trust === undefined) return { trouble: "tls" };
    if (!trust.isTrusted || options.tls?.ca === undefined) return trust;
    const { ca: _, ...tls } = options.tls;
    const others = await trustOn({ ...options, tls }, clock);
    return { ...trust, isNamed: others?.isTrusted === false };
  } catch (error) {
    return { trouble: troubleOf(error) };
  }
}

async function trustOn(options: WireOptions, clock: Clock): Promise<Trust | undefined> {
  using wire = await openWire(options, clock);
  return wire.trust;
}

/** Whether a port that was called without TLS speaks it. */
export async function speaksTls(
  { address, port }: WireOptions,
  host: string,
  clock: Clock,
): Promise<boolean> {
  const options = { address, port, tls: { host } };
  const words = await Promise.all(
    (["1.2", "1.3"] as const).map((version) => offer(version, options, clock)),
  );
  return words.some((it) => it?.version !== undefined || (it?.alert ?? NO_TLS) !== NO_TLS);
}

/** What a server says to an offer of one version; undefined when it says nothing in time. */
async function offer(
  version: TlsVersion,
  { address, port, tls }: Required<WireOptions>,
  clock: Clock,
): Promise<ServerWords | undefined> {
  try {
    using wire = await openWire({ address, port }, clock);
    wire.write(clientHello(version, isName(tls.host) ? tls.host : undefined));
    let bytes: Uint8Array = new Uint8Array();
    for (;;) {
      const words = readServerWords(bytes);
      if (words.isOver || bytes.length > VISIT_LIMITS.answerMaxBytes) return words;
      const chunk = await wire.read();
      if (chunk === undefined) return { ...words, isOver: true };
      bytes = concat(bytes, chunk);
    }
  } catch (error) {
    const isSilent = error instanceof WireTrouble && error.trouble === "timeout";
    return isSilent ? undefined : { isOver: true };
  }
}

function answerOf(version: number, words: ServerWords | undefined): VersionAnswer {
  if (words === undefined) return "silent";
  return words.version === version ? "accepted" : "refused";
}

async function readChain(
  ders: readonly Uint8Array[] | undefined,
): Promise<Pick<TlsSeen, "chain" | "isLinked">> {
  if (ders === undefined) return { isLinked: [] };
  // Loaded only here: the X.509 library costs every other start tens of milliseconds.
  const { isIssuedBy, readCertificates } = await import("../tls/certificate.ts");
  const pem = ders.map((der) => encodePem("CERTIFICATE", Buffer.from(der).toString("base64")));
  const chain = parse(() => readCertificates(pem.join("")));
  const links = chain.slice(1).map((issuer, place) => {
    const signed = chain[place];
    return signed === undefined ? Promise.resolve(false) : isIssuedBy(signed, issuer);
  });
  return { chain, isLinked: await Promise.all(links) };
}

/** What cannot be read is for the runtime to judge, which says so by its trust. */
function parse(read: () => Certificate[]): Certificate[] {
  try {
    return read();
  } catch {
    return [];
  }
}
