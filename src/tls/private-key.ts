import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { errorFinding, type Finding } from "./finding.ts";
import { describeContents, encodePem, isPrivateKey, readPemBlocks } from "./pem.ts";

const REMEDY = "Set tls.key to the PEM file with the private key that tls.cert was made for";

const KINDS: ReadonlySet<string> = new Set(["rsa", "ed25519"]);
/** P-256, P-384 and P-521, as OpenSSL calls them. */
const CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Reads the private key of a PEM text (PKCS#8, PKCS#1 or SEC 1), or says why it cannot be used. */
export function readPrivateKey(text: string): KeyObject | Finding {
  const block = readPemBlocks(text).find(isPrivateKey);
  if (block === undefined) {
    const found = `tls.key has no private key: ${describeContents(text)}`;
    return errorFinding("key_missing", found, REMEDY);
  }
  if (block.encrypted) {
    const remedy = "Decrypt it: openssl pkey -in key.pem -out plain.pem && chmod 600 plain.pem";
    return errorFinding("key_encrypted", "tls.key is encrypted with a passphrase", remedy);
  }
  try {
    return createPrivateKey(encodePem(block.label, block.base64));
  } catch (error) {
    const reason = `its ${block.label} block is damaged or of an unsupported kind${codeOf(error)}`;
    return errorFinding("key_unreadable", `tls.key cannot be parsed: ${reason}`, REMEDY);
  }
}

/** Says whether there is a runtime here that does not serve with such a key, although it can read it. */
export function inspectPrivateKey(key: KeyObject): Finding[] {
  const type: string = key.asymmetricKeyType ?? "unknown";
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (type === "ec" ? CURVES.has(curve ?? "") : KINDS.has(type)) return [];
  const kind = curve === undefined ? `of the kind ${type}` : `on the curve ${curve}`;
  const found = `tls.key is ${kind}, wanted ECDSA P-256, P-384 or P-521, RSA or Ed25519`;
  const remedy = "Make a new key (ECDSA P-256 or RSA 2048) and have the certificate issued for it";
  return [errorFinding("key_unsupported", found, remedy)];
}

/** Answers whether a certificate's public key (DER SubjectPublicKeyInfo) belongs to this private key. */
export function keyFits(key: KeyObject, publicKeyDer: ArrayBuffer): boolean {
  const wanted = createPublicKey(key).export({ format: "der", type: "spki" });
  return wanted.equals(normalized(Buffer.from(publicKeyDer)));
}

/** The text of an OpenSSL error differs by runtime and could quote the input; its code does neither. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? ` (${error.code})` : "";
}

/** Two encodings of one key can differ, e.g. in how they name the curve. */
function normalized(publicKeyDer: Buffer): Buffer {
  try {
    const key = createPublicKey({ key: publicKeyDer, format: "der", type: "spki" });
    return key.export({ format: "der", type: "spki" });
  } catch {
    // A kind of key this runtime cannot read is not the kind it just read.
    return publicKeyDer;
  }
}
