import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";

/** Where the keys are by which an app and Alipay know each other. */
export interface AlipayKeyFiles {
  readonly privateKeyFile: string;
  readonly alipayPublicKeyFile?: string;
}

interface AlipayKeys {
  /** The app's private one. */
  readonly own: KeyObject;
  /** Alipay's public one. */
  readonly theirs?: KeyObject;
}

/** RSA2 is RSA of so many bits with SHA-256. */
const RSA_MIN_BITS = 2048;

/**
 * Reads both, in PEM or, as Alipay's key tool and console have them, in bare base64. Throws
 * `config_invalid`, with nothing of what is in the files.
 */
export function readAlipayKeys(files: AlipayKeyFiles): AlipayKeys {
  const { privateKeyFile, alipayPublicKeyFile } = files;
  const own = readKey("private_key", privateKeyFile, privateKeyIn);
  if (alipayPublicKeyFile === undefined) return { own };
  const theirs = readKey("alipay_public_key", alipayPublicKeyFile, publicKeyIn);
  if (derOf(theirs).equals(derOf(createPublicKey(own)))) {
    const found = `${alipayPublicKeyFile} holds the app's own public key`;
    throw unusable("alipay_public_key", `${found}, wanted the one of Alipay`);
  }
  return { own, theirs };
}

function readKey(
  name: string,
  file: string,
  keyIn: (text: string) => KeyObject | undefined,
): KeyObject {
  const key = keyIn(readText(name, file));
  const { modulusLength = 0 } = key?.asymmetricKeyDetails ?? {};
  if (key?.asymmetricKeyType === "rsa" && modulusLength >= RSA_MIN_BITS) return key;
  const kind = keyIn === privateKeyIn ? "private" : "public";
  const wanted = `a ${kind} RSA key of at least ${RSA_MIN_BITS} bits, in PEM or base64`;
  throw unusable(name, `${file} does not hold what is wanted: ${wanted}`);
}

function privateKeyIn(text: string): KeyObject | undefined {
  if (isPem(text)) return attempt(() => createPrivateKey(text));
  const key = Buffer.from(text, "base64");
  return (
    attempt(() => createPrivateKey({ key, format: "der", type: "pkcs8" })) ??
    attempt(() => createPrivateKey({ key, format: "der", type: "pkcs1" }))
  );
}

function publicKeyIn(text: string): KeyObject | undefined {
  // One could be derived from it, but it has no business there.
  if (text.includes("PRIVATE KEY-----")) return undefined;
  if (isPem(text)) return attempt(() => createPublicKey(text));
  const key = Buffer.from(text, "base64");
  return attempt(() => createPublicKey({ key, format: "der", type: "spki" }));
}

function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

function attempt(make: () => KeyObject): KeyObject | undefined {
  try {
    return make();
  } catch {
    return undefined; // what the library says may quote the key
  }
}

function derOf(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" });
}

function readText(name: string, file: string): string {
  try {
    const info = statSync(file);
    if (info.isFile() && info.size <= LIMITS.pemMaxBytes) return readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw unusable(name, `cannot read ${file} (${code})`, cause);
  }
  throw unusable(name, `${file} is no file of at most ${LIMITS.pemMaxBytes} bytes`);
}

function unusable(name: string, detail: string, cause?: unknown): Fault {
  return new Fault("config_invalid", { detail: `${name} of a login: ${detail}`, cause });
}
