import { afterAll, describe, expect, test } from "bun:test";
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTokens, type TokenSettings } from "../../../src/auth/load-tokens.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { TokenVerifier } from "../../../src/core/ports/tokens.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeJwt } from "../../support/jwt.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { issue } from "../tls/issue.ts";

const SECRET = "current-secret-0123456789abcdefgh";
const CLAIMS = { sub: "canary" };

const folder = await mkdtemp(join(tmpdir(), "posthorn-keys-"));
afterAll(() => rm(folder, { recursive: true }));

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");

const RSA_PEM = pemOf(rsa.publicKey);
const rsaFile = await fileOf("rsa.pem", RSA_PEM);
const p256File = await fileOf("p256.pem", pemOf(p256.publicKey));

function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

function load(settings: Partial<TokenSettings>): Promise<TokenVerifier | undefined> {
  const web = { send: () => Promise.reject(new Error("Cannot happen: nothing is fetched here")) };
  return loadTokens(
    { userClaim: "sub", ...settings },
    { web, clock: new FakeClock(), log: new RecordingLog() },
  );
}

async function verifierOf(settings: Partial<TokenSettings>): Promise<TokenVerifier> {
  const verifier = await load(settings);
  if (verifier === undefined) throw new Error("Cannot go on: there is no key");
  return verifier;
}

async function refusal(verifier: TokenVerifier, token: string): Promise<Fault> {
  try {
    await verifier.verify(token);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Cannot go on: the token was accepted");
}

describe("loadTokens()", () => {
  test("gives nothing when there is no key at all", async () => {
    expect(await load({ audience: "a" })).toBeUndefined();
  });

  test.each(["RS256", "RS384", "RS512"])("accepts %s with the RSA key", async (alg) => {
    const verifier = await verifierOf({ rsaPublicKeyFile: rsaFile });
    const token = makeJwt({ claims: CLAIMS, key: rsa.privateKey, alg });
    expect((await verifier.verify(token)).user).toBe("canary");
    const forged = makeJwt({ claims: CLAIMS, key: otherRsa.privateKey, alg });
    expect((await refusal(verifier, forged)).code).toBe("token_invalid");
  });

  test.each([
    ["ES256", p256],
    ["ES384", p384],
    ["ES512", p521],
  ])("accepts %s, and only that, with a key on its curve", async (alg, keys) => {
    const ecdsaPublicKeyFile = await fileOf(`${alg}.pem`, pemOf(keys.publicKey));
    const verifier = await verifierOf({ ecdsaPublicKeyFile });
    const token = makeJwt({ claims: CLAIMS, key: keys.privateKey, alg });
    expect((await verifier.verify(token)).user).toBe("canary");
    for (const other of ["ES256", "ES384", "ES512"].filter((it) => it !== alg)) {
      const misnamed = makeJwt({ claims: CLAIMS, key: keys.privateKey, alg: other });
      expect((await refusal(verifier, misnamed)).detail).toBe(`its algorithm is none of ${alg}`);
    }
  });

  test("accepts every kind of key that is configured beside the others", async () => {
    const verifier = await verifierOf({
      secret: SECRET,
      rsaPublicKeyFile: rsaFile,
      ecdsaPublicKeyFile: p256File,
    });
    for (const [alg, key] of [
      ["HS256", SECRET],
      ["RS256", rsa.privateKey],
      ["ES256", p256.privateKey],
    ] as const) {
      expect((await verifier.verify(makeJwt({ claims: CLAIMS, key, alg }))).user).toBe("canary");
    }
  });

  test.each([
    [
      "a public key of RSA alone",
      "pkcs1.pem",
      rsa.publicKey.export({ type: "pkcs1", format: "pem" }),
    ],
    [
      "a key behind notes and with foreign line ends",
      "crlf.pem",
      `\r\n${RSA_PEM.replaceAll("\n", "\r\n")}`,
    ],
  ])("reads %s", async (_, name, text) => {
    const verifier = await verifierOf({ rsaPublicKeyFile: await fileOf(name, text.toString()) });
    const token = makeJwt({ claims: CLAIMS, key: rsa.privateKey, alg: "RS256" });
    expect((await verifier.verify(token)).user).toBe("canary");
  });

  test("reads the key of a certificate", async () => {
    const { cert, key } = await issue({ name: "login" });
    const ecdsaPublicKeyFile = await fileOf("cert.pem", cert);
    const token = makeJwt({ claims: CLAIMS, key: createPrivateKey(key), alg: "ES256" });
    expect((await (await verifierOf({ ecdsaPublicKeyFile })).verify(token)).user).toBe("canary");
  });

  const private256 = p256.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;

  test.each([
    { file: "missing.pem", wanted: "tokens.rsa_public_key: cannot read" },
    { file: "empty.pem", text: "", wanted: "holds no key that can be used" },
    { file: "big.pem", text: "x".repeat(300_000), wanted: "is no file of at most 262144 bytes" },
    { file: "short.pem", text: pemOf(short), wanted: "holds an RSA key of 1024 bits, wanted" },
    { file: "ec.pem", text: pemOf(p256.publicKey), wanted: "holds a key of kind ec on prime256v1" },
    { file: "ed.pem", text: pemOf(ed25519.publicKey), wanted: "holds a key of kind ed25519" },
    {
      file: "private.pem",
      text: private256,
      wanted: "holds a private key, wanted only the public",
    },
  ])("refuses $file for RSA: $wanted", async ({ file, text, wanted }) => {
    const path = text === undefined ? join(folder, file) : await fileOf(file, text);
    const loading = load({ rsaPublicKeyFile: path });
    expect(loading).rejects.toThrow(wanted);
    expect(loading).rejects.toMatchObject({ code: "config_invalid" });
  });

  test("refuses an RSA key for ECDSA", async () => {
    const loading = load({ ecdsaPublicKeyFile: rsaFile });
    expect(loading).rejects.toThrow("holds a key of kind rsa, wanted one on the curve P-256");
  });

  test("refuses a folder", async () => {
    expect(load({ rsaPublicKeyFile: folder })).rejects.toThrow("is no file of at most");
  });
});

describe("verify() of forgeries with public keys", () => {
  const zeros = Buffer.alloc(64).toString("base64url");
  const unsigned = (alg: string): string =>
    makeJwt({ claims: CLAIMS, key: "k", header: { alg } }).split(".", 2).join(".");
  const macWith = (key: string, alg: string): string => {
    const signed = unsigned(alg);
    return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  };
  const ownKey = otherRsa.publicKey.export({ format: "jwk" });

  test.each([
    ["HS256 with the public key as the secret", macWith(RSA_PEM, "HS256")],
    ["HS256 with the public key as the secret, trimmed", macWith(RSA_PEM.trim(), "HS256")],
    ["RS256 over such a MAC", macWith(RSA_PEM, "RS256")],
    ["none", `${unsigned("none")}.`],
    ["RS256 without a signature", `${unsigned("RS256")}.`],
    ["ES256 with a signature of zeros", `${unsigned("ES256")}.${zeros}`],
    ["ES256 without a signature", `${unsigned("ES256")}.`],
    [
      "ES256 signed by the RSA key",
      makeJwt({ claims: CLAIMS, key: rsa.privateKey, header: { alg: "ES256" }, alg: "RS256" }),
    ],
    [
      "PS256",
      makeJwt({ claims: CLAIMS, key: rsa.privateKey, header: { alg: "PS256" }, alg: "RS256" }),
    ],
    ["EdDSA", makeJwt({ claims: CLAIMS, key: ed25519.privateKey, alg: "EdDSA" })],
    [
      "RS256 with a key of its own",
      makeJwt({ claims: CLAIMS, key: otherRsa.privateKey, alg: "RS256", header: { jwk: ownKey } }),
    ],
    [
      "RS256 with a key of its own elsewhere",
      makeJwt({
        claims: CLAIMS,
        key: otherRsa.privateKey,
        alg: "RS256",
        header: { jku: "https://evil.example/k", x5u: "https://evil.example/c" },
      }),
    ],
    [
      "RS256 with a kid that walks",
      makeJwt({
        claims: CLAIMS,
        key: otherRsa.privateKey,
        alg: "RS256",
        header: { kid: "../../../dev/null" },
      }),
    ],
    [
      "RS256 with a kid that is a list",
      makeJwt({ claims: CLAIMS, key: otherRsa.privateKey, alg: "RS256", header: { kid: ["a"] } }),
    ],
  ])("refuses %s, with a secret configured or not, and repeats nothing of it", async (_, token) => {
    const files = { rsaPublicKeyFile: rsaFile, ecdsaPublicKeyFile: p256File };
    for (const settings of [files, { ...files, secret: SECRET }]) {
      const fault = await refusal(await verifierOf(settings), token);
      expect(fault.code).toBe("token_invalid");
      for (const part of ["canary", ...token.split(".").filter((it) => it.length > 3)]) {
        expect(`${fault.message}${fault.stack}`).not.toContain(part);
      }
    }
  });
});
