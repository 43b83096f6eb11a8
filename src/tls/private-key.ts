import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { errorFinding, type Finding } from "./finding.ts";
import { describeContents, encodePem, isPrivateKey, readPemBlocks } from "./pem.ts";

const REMEDY = "Set tls.key to the PEM file with the private key that tls.cert was made for";

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
