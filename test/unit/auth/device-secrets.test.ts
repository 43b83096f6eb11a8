import { describe, expect, test } from "bun:test";
import { createDeviceSecrets } from "../../../src/auth/device-secrets.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";

const secrets = createDeviceSecrets(systemEntropy);

describe("createDeviceSecrets()", () => {
  test("issues secrets of 192 random bits that show what they are", async () => {
    const issued = await Promise.all(Array.from({ length: 100 }, () => secrets.issue()));
    for (const { secret } of issued) expect(secret).toMatch(/^phd_[A-Za-z0-9_-]{32}$/);
    expect(new Set(issued.map(({ secret }) => secret)).size).toBe(100);
    expect(new Set(issued.map(({ hash }) => hash)).size).toBe(100);
  });

  test("keeps a hash that names its kind and does not hold the secret", async () => {
    const { secret, hash } = await secrets.issue();
    expect(hash).toMatch(/^sha256:[A-Za-z0-9_-]{43}$/);
    expect(hash).not.toContain(secret.slice(4));
  });

  test("knows a secret by the hash that earlier builds kept of it", async () => {
    const hash = "sha256:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"; // of "abc", FIPS 180-4
    expect(await secrets.matches("abc", hash)).toBe(true);
  });

  test("matches a secret with its own hash only", async () => {
    const { secret, hash } = await secrets.issue();
    const other = await secrets.issue();
    expect(await secrets.matches(secret, hash)).toBe(true);
    for (const wrong of [
      other.secret,
      "",
      `${secret} `,
      secret.slice(0, -1),
      secret.toUpperCase(),
      hash,
    ]) {
      expect(await secrets.matches(wrong, hash)).toBe(false);
    }
  });

  test.each([
    "",
    "sha256:",
    "sha256:AAAA",
    "argon2:x",
    "sha512:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
    "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
  ])("refuses to compare with the hash %j, which it did not make", async (hash) => {
    await expect(secrets.matches("abc", hash)).rejects.toThrow(/^Cannot check secret/);
  });
});
