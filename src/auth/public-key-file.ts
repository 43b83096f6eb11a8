import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { fixedKeys, type KeySource, RSA_ALGORITHMS } from "./token-keys.ts";

/** Shorter ones can be broken (RFC 7518 §3.3). */
const RSA_MIN_BITS = 2048;

/** By the names that Node has for them. */
const ALGORITHM_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

/** The key in a PEM file: a public key or a certificate. Throws `config_invalid`. */
export async function readRsaKey(file: string): Promise<KeySource> {
  const key = await readKey("tokens.rsa_public_key", file);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === "rsa" && bits >= RSA_MIN_BITS) return sourceOf(key, RSA_ALGORITHMS);
  const found = key.asymmetricKeyType === "rsa" ? `an RSA key of ${bits} bits` : kindOf(key);
  const wanted = `wanted an RSA key of at least ${RSA_MIN_BITS} bits`;
  throw unusable("tokens.rsa_public_key", `${file} holds ${found}, ${wanted}`);
}

/** The same for a key on one of the curves P-256, P-384 and P-521. */
export async function readEcdsaKey(file: string): Promise<KeySource> {
  const key = await readKey("tokens.ecdsa_public_key", file);
  const algorithm = ALGORITHM_OF_CURVE[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (algorithm !== undefined) return sourceOf(key, [algorithm]);
  const wanted = "wanted one on the curve P-256, P-384 or P-521";
  throw unusable("tokens.ecdsa_public_key", `${file} holds ${kindOf(key)}, ${wanted}`);
}

function sourceOf(key: KeyObject, algorithms: readonly string[]): KeySource {
  return fixedKeys(algorithms, [key.export({ format: "jwk" })]);
}

async function readKey(configKey: string, file: string): Promise<KeyObject> {
  const text = await readText(configKey, file);
  // One could be derived from it, but whoever only checks tokens must not be able to make them.
  if (text.includes("PRIVATE KEY-----")) {
    throw unusable(configKey, `${file} holds a private key, wanted only the public one`);
  }
  try {
    return createPublicKey(text);
  } catch (cause) {
    const detail = `${file} holds no key that can be used, wanted a public key or a certificate in PEM`;
    throw unusable(configKey, detail, cause);
  }
}

async function readText(configKey: string, file: string): Promise<string> {
  try {
    const info = await stat(file);
    if (info.isFile() && info.size <= LIMITS.pemMaxBytes) return await readFile(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw unusable(configKey, `cannot read ${file} (${code})`, cause);
  }
  throw unusable(configKey, `${file} is no file of at most ${LIMITS.pemMaxBytes} bytes`);
}

function kindOf(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return `a key of kind ${key.asymmetricKeyType}${curve === undefined ? "" : ` on ${curve}`}`;
}

function unusable(configKey: string, detail: string, cause?: unknown): Fault {
  return new Fault("config_invalid", { detail: `${configKey}: ${detail}`, cause });
}
