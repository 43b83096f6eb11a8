import { describe, expect, test } from "bun:test";
import { systemEntropy } from "../../../src/runtime/entropy.ts";

describe("systemEntropy", () => {
  test("uuid() makes ids of version 7 that tell their time", () => {
    const beforeMs = Date.now();
    const uuid = systemEntropy.uuid();
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const timeMs = Number.parseInt(uuid.replaceAll("-", "").slice(0, 12), 16);
    expect(timeMs).toBeGreaterThanOrEqual(beforeMs);
    expect(timeMs).toBeLessThanOrEqual(Date.now());
  });

  test("uuid() never makes the same twice", () => {
    const uuids = Array.from({ length: 10_000 }, () => systemEntropy.uuid());
    expect(new Set(uuids).size).toBe(uuids.length);
  });

  test.each([16, 24, 32])("token() is base64url of %d bytes, each time others", (bytes) => {
    const token = systemEntropy.token(bytes);
    expect(Buffer.from(token, "base64url")).toHaveLength(bytes);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(systemEntropy.token(bytes)).not.toBe(token);
  });

  test("fraction() is at least 0 and less than 1", () => {
    const fractions = Array.from({ length: 1_000 }, () => systemEntropy.fraction());
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(new Set(fractions).size).toBeGreaterThan(900);
  });
});
