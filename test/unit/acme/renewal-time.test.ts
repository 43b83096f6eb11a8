import { describe, expect, test } from "bun:test";
import { certificateId } from "../../../src/acme/renewal-advice.ts";
import { orderAllowedAtMs, renewAtMs } from "../../../src/acme/renewal-time.ts";
import { readCertificates } from "../../../src/tls/certificate.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;

describe("renewAtMs()", () => {
  test.each([
    ["90 days", 90, 60],
    ["45 days", 45, 30],
    ["6 days", 6, 4],
  ])("leaves a third of a life of %s", (_, days, day) => {
    const life = { notBeforeMs: 0, notAfterMs: days * DAY_MS };
    expect(renewAtMs(life, 0)).toBe(day * DAY_MS);
    // Chance makes it earlier, never later.
    expect(renewAtMs(life, 1)).toBe(day * DAY_MS - (days * DAY_MS) / 50);
  });
});

describe("orderAllowedAtMs()", () => {
  const NOW = 10 * HOUR_MS;
  test.each([
    ["nothing was ordered", [], NOW],
    ["three were begun", [NOW - 3, NOW - 2, NOW - 1], NOW],
    ["four were begun", [NOW - 30, NOW - 20, NOW - 2, NOW - 1], NOW - 30 + HOUR_MS],
    ["one of four is long ago", [NOW - HOUR_MS, NOW - 3, NOW - 2, NOW - 1], NOW],
    ["the clock was wrong", [NOW + 1, NOW + 2, NOW + 3, NOW + 4], NOW],
  ])("says when another may be begun: %s", (_, startsMs, atMs) => {
    expect(orderAllowedAtMs(startsMs, NOW)).toBe(atMs);
  });
});

describe("certificateId()", () => {
  test("is that of the example in RFC 9773", () => {
    const [certificate] = readCertificates(EXAMPLE);
    expect(certificate && certificateId(certificate)).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  });
});

/** RFC 9773, appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`;
