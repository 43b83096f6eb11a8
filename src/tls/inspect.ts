import { readCertificates } from "./certificate.ts";
import { errorFinding, type Finding } from "./finding.ts";
import { type Chain, inspectChain } from "./inspect-chain.ts";
import { inspectLeaf } from "./inspect-leaf.ts";
import { describeContents } from "./pem.ts";
import { inspectPrivateKey, keyFits, readPrivateKey } from "./private-key.ts";

/** What a certificate file and a key file hold, and what they are for. */
export interface InspectionInput {
  /** PEM text. */
  readonly cert: string;
  /** PEM text. */
  readonly key: string;
  /** The hosts clients dial, as `URL.hostname` gives them. */
  readonly publicHosts: readonly string[];
  readonly now: Date;
}

const REMEDY = "Set tls.cert to a PEM file: this server's certificate, then the intermediates";

/**
 * Says everything that is wrong with a certificate and its key, in words an operator can act on.
 *
 * The runtimes start without a word on most of it, an incomplete chain above all, and then the
 * phones refuse. An error is what no client may accept.
 */
export async function inspectCertificate(input: InspectionInput): Promise<Finding[]> {
  const key = readPrivateKey(input.key);
  const keyFindings = "code" in key ? [key] : inspectPrivateKey(key);
  const chain = readChain(input.cert);
  if ("code" in chain) return [chain, ...keyFindings];
  const leafIndex =
    "code" in key ? 0 : chain.findIndex(({ x509 }) => keyFits(key, x509.publicKey.rawData));
  const leaf = chain[Math.max(leafIndex, 0)] ?? chain[0];
  const chainFindings = await inspectChain(chain, leafIndex, input.now);
  return [...keyFindings, ...chainFindings, ...inspectLeaf(leaf, input.publicHosts, input.now)];
}

function readChain(text: string): Chain | Finding {
  try {
    const [first, ...rest] = readCertificates(text);
    if (first !== undefined) return [first, ...rest];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return errorFinding("certificate_unreadable", `tls.cert is damaged: ${reason}`, REMEDY);
  }
  const found = `tls.cert has no certificate: ${describeContents(text)}`;
  return errorFinding("certificate_missing", found, REMEDY);
}
