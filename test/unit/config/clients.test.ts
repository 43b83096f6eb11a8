import { describe, expect, test } from "bun:test";
import { parseGlob } from "../../../src/core/glob.ts";
import { load, problemsWith } from "./sources.ts";

function originsOf(toml: string, flags = {}): readonly string[] {
  return load({ toml, flags }).clients.allowedOrigins;
}

describe("loadConfig() and clients.allowed_origins", () => {
  test.each([
    "*",
    "null",
    "https://app.example.com",
    "https://app.example.com:8443",
    "https://*.example.com",
    "http{,s}://localhost:*",
    "chrome-extension://abcdef",
  ])("takes %j", (pattern) => {
    expect(originsOf(`[clients]\nallowed_origins = ["${pattern}"]`)).toEqual([pattern]);
  });

  test.each([
    "",
    "app.example.com",
    "https://app.example.com/",
    "https://app.example.com/path",
    "https://app.example.com other",
    "https://{app.example.com",
  ])("refuses %j", (pattern) => {
    expect(problemsWith({ toml: `[clients]\nallowed_origins = ["${pattern}"]` })).toEqual([
      expect.stringContaining("wanted a list of origins without a path"),
    ]);
  });

  test("adds the origin of the public address, whatever proxy stands in front", () => {
    const toml = '[server]\npublic_url = "https://push.example.com:8443/base"';
    expect(originsOf(toml)).toEqual(["https://push.example.com:8443"]);
  });

  test.each([
    ["http://localhost:5173", true],
    ["https://localhost", true],
    ["http://127.0.0.1:3000", true],
    ["http://[::1]:3000", true],
    ["http://localhost.evil.org", false],
    ["http://192.168.1.5:3000", false],
  ])("lets a page of %s connect in development: %p", (origin, expected) => {
    const patterns = originsOf("", { dev: true });
    expect(patterns.some((pattern) => parseGlob(pattern)(origin))).toBe(expected);
    expect(originsOf("")).toEqual([]);
  });
});
