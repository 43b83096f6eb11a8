import { describe, expect, test } from "bun:test";
import { type HostName, namesCover, parseHostName } from "../../../src/tls/host-names.ts";

describe("parseHostName()", () => {
  const good: readonly (readonly [string, HostName])[] = [
    ["example.com", { type: "dns", value: "example.com" }],
    ["EXAMPLE.com.", { type: "dns", value: "example.com" }],
    ["localhost", { type: "dns", value: "localhost" }],
    ["*.example.com", { type: "dns", value: "*.example.com" }],
    ["xn--fiq228c.example", { type: "dns", value: "xn--fiq228c.example" }],
    ["192.0.2.7", { type: "ip", value: "192.0.2.7" }],
    ["2001:DB8:0:0::1", { type: "ip", value: "2001:db8::1" }],
    ["[::1]", { type: "ip", value: "::1" }],
    [`${"a".repeat(63)}.example`, { type: "dns", value: `${"a".repeat(63)}.example` }],
  ];
  for (const [text, host] of good) {
    test(`takes ${text}`, () => expect(parseHostName(text)).toEqual(host));
  }

  const bad = [
    "",
    ".",
    "a..b",
    "-a.example",
    "a-.example",
    "a b.example",
    "a_b.example",
    "例子.example",
    "https://example.com",
    "example.com:8077",
    "user@example.com",
    "1.2.3",
    "300.1.1.1",
    "192.0.2.0/24",
    "fe80::1%eth0",
    "*",
    "*.com",
    "a.*.example.com",
    "w*.example.com",
    "*.*.example.com",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}aa`,
  ];
  for (const text of bad) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(parseHostName(text)).toBeUndefined());
  }
});

describe("namesCover()", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["example.com", "example.com", true],
    ["example.com", "EXAMPLE.COM.", true],
    ["example.com", "a.example.com", false],
    ["*.example.com", "a.example.com", true],
    ["*.example.com", "xn--fiq228c.example.com", true],
    ["*.example.com", "a.b.example.com", false],
    ["*.example.com", "example.com", false],
    ["*.example.com", "aexample.com", false],
    ["*.example.com", "*.example.com", false],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.70", false],
    ["2001:db8::1", "[2001:DB8:0::1]", true],
    ["2001:db8::1", "2001:db8::2", false],
    ["example.com", "not a host", false],
  ];
  for (const [name, host, covered] of cases) {
    test(`${name} ${covered ? "covers" : "does not cover"} ${host}`, () => {
      const parsed = parseHostName(name);
      expect(parsed).toBeDefined();
      expect(namesCover(parsed ? [parsed] : [], host)).toBe(covered);
    });
  }

  test("an address written as a DNS name does not cover the address", () => {
    expect(namesCover([{ type: "dns", value: "192.0.2.7" }], "192.0.2.7")).toBe(false);
  });
});
