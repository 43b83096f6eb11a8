import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../../src/core/limits.ts";
import { findClient } from "../../../../src/http/proxies/find-client.ts";
import type { AddressHeader } from "../../../../src/http/proxies/hop.ts";
import { createTrustedProxies } from "../../../../src/http/proxies/trusted-proxies.ts";

const PEER = "10.0.0.1";

function found(header: AddressHeader, headers: Record<string, string>, peer = PEER) {
  const settings = { trustedProxies: ["10.0.0.0/8", "::1"], clientAddressHeader: header };
  return findClient(new Headers(headers), peer, createTrustedProxies(settings));
}

const xff = (value: string, peer?: string) =>
  found("x-forwarded-for", { "x-forwarded-for": value }, peer);
const forwarded = (value: string) => found("forwarded", { forwarded: value });

describe("findClient()", () => {
  test("believes nobody who is not trusted, and nobody who says nothing", () => {
    expect(xff("192.0.2.1", "192.0.2.9")).toBeUndefined();
    expect(xff("192.0.2.1", "")).toBeUndefined();
    expect(xff("")).toBeUndefined();
    expect(found("x-forwarded-for", {})).toBeUndefined();
    expect(found("x-forwarded-for", { forwarded: "for=192.0.2.1", "x-real-ip": "1.1.1.1" })).toBe(
      undefined,
    );
  });

  test.each([
    ["one address", "192.0.2.1", "192.0.2.1"],
    ["what a client forged before it", "6.6.6.6, 192.0.2.1", "192.0.2.1"],
    ["trusted proxies behind it", "6.6.6.6, 192.0.2.1, 10.2.2.2, 10.3.3.3", "192.0.2.1"],
    ["a client that is a proxy's neighbour", "10.9.9.9, 10.2.2.2", "10.9.9.9"],
    ["the blog post's port", "192.0.2.1:54321", "192.0.2.1"],
    ["IPv6 with a port", "6.6.6.6,[2001:DB8::1]:443", "2001:db8::1"],
    ["IPv6 bare", "2001:db8::1", "2001:db8::1"],
    ["IPv4 within IPv6", "::ffff:192.0.2.1", "192.0.2.1"],
    ["no spaces", "6.6.6.6,192.0.2.1,10.2.2.2", "192.0.2.1"],
  ])("reads X-Forwarded-For with %s: %j", (_, value, address) => {
    expect(xff(value)).toEqual({ address });
  });

  test.each([
    ["unknown", "unknown", PEER],
    ["nothing at the end", "192.0.2.1, ", PEER],
    ["a name", "192.0.2.1, evil.example", PEER],
    ["what is unknown to a proxy before", "192.0.2.1, unknown, 10.2.2.2", "10.2.2.2"],
    ["a list in quotes", '"192.0.2.1"', PEER],
  ])(
    "where X-Forwarded-For says %s, takes the nearest proxy that can be read",
    (_, value, address) => {
      expect(xff(value)).toEqual({ address, isUnclear: true });
    },
  );

  test.each([
    ["one element", "for=192.0.2.1", "192.0.2.1"],
    ["a forged one before", "for=6.6.6.6, for=192.0.2.1", "192.0.2.1"],
    ["quotes, brackets and a port", 'For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"],
    ["an IPv4 port", 'for="192.0.2.43:47011"', "192.0.2.43"],
    ["an obfuscated port", 'for="192.0.2.43:_gazonk"', "192.0.2.43"],
    ["other pairs", "by=10.0.0.1;FOR=192.0.2.1 ; host=a.example", "192.0.2.1"],
    ["a comma in quotes", 'for=192.0.2.1;host="a, for=6.6.6.6"', "192.0.2.1"],
    ["an escaped quote", 'for=192.0.2.1;host="a\\", for=6.6.6.6"', "192.0.2.1"],
    ["a quote that a client left open", 'for=", for=192.0.2.1', "192.0.2.1"],
    ["an open quote before a quoted one", 'for=6.6.6.6;x=", for="[2001:db8::1]"', "2001:db8::1"],
    ["trusted proxies behind it", "for=6.6.6.6, for=192.0.2.1, for=10.5.5.5", "192.0.2.1"],
  ])("reads Forwarded with %s: %j", (_, value, address) => {
    expect(forwarded(value)).toEqual({ address });
  });

  test.each([
    ["unknown", "for=unknown", PEER],
    ["an obfuscated name", 'for=192.0.2.1, for="_hidden"', PEER],
    ["no for at all", "for=192.0.2.1, by=10.0.0.1", PEER],
    ["what is none", "192.0.2.1", PEER],
    ["a comma at its end", "for=192.0.2.1,", PEER],
    ["rubbish before a proxy", "rubbish, for=10.2.2.2", "10.2.2.2"],
  ])("where Forwarded says %s, takes the nearest proxy that can be read", (_, value, address) => {
    expect(forwarded(value)).toEqual({ address, isUnclear: true });
  });

  test("reads X-Real-IP as one address, and never a list of them", () => {
    expect(found("x-real-ip", { "x-real-ip": " 192.0.2.1 " })).toEqual({ address: "192.0.2.1" });
    expect(found("x-real-ip", { "x-real-ip": "192.0.2.1, 192.0.2.2" })).toMatchObject({
      address: PEER,
      isUnclear: true,
    });
  });

  test.each([
    [{ "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https" }, "https"],
    [{ "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "WSS" }, "https"],
    [{ "x-forwarded-for": "192.0.2.1, 10.2.2.2", "x-forwarded-proto": "https, http" }, "https"],
    [{ "x-forwarded-for": "6.6.6.6, 192.0.2.1", "x-forwarded-proto": "https, http" }, "http"],
    [{ "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "gopher" }, undefined],
    [{ "x-forwarded-for": "192.0.2.1" }, undefined],
  ] as const)("tells from %j what the client speaks: %j", (headers, scheme) => {
    expect(found("x-forwarded-for", headers)?.scheme).toBe(scheme);
  });

  test("takes proto= of the element that names the client", () => {
    const value = "for=6.6.6.6;proto=http, for=192.0.2.1;proto=https, for=10.2.2.2;proto=http";
    expect(forwarded(value)).toEqual({ address: "192.0.2.1", scheme: "https" });
  });

  test("reads no more of a list than it must, however long a client made it", () => {
    const long = `${"6.6.6.6,".repeat(100_000)}192.0.2.1`;
    expect(xff(long)).toEqual({ address: "192.0.2.1" });
    expect(forwarded(`${'for=6.6.6.6;a="x",'.repeat(100_000)}for=192.0.2.1`)).toEqual({
      address: "192.0.2.1",
    });
    // A piece of what was cut is no address: it might begin in the midst of one.
    const cut = `1${"192.0.2.1".padStart(LIMITS.proxyHeaderMaxChars)}`;
    expect(xff(cut)).toEqual({ address: PEER });
  });

  test("follows a bounded number of proxies", () => {
    const proxies = Array.from({ length: 100 }, (_, index) => `10.7.0.${index}`);
    expect(xff(proxies.join(", "))).toEqual({ address: `10.7.0.${100 - LIMITS.proxyHopsMax}` });
  });

  test.each([
    ["spaces and semicolons", "for=1.1.1.1".padEnd(4_000, "; ")],
    ["open quotes", 'a="'.repeat(1_300)],
    ["commas", ",".repeat(4_000)],
    ["elements that end badly", `${"a=b,".repeat(1_000)}"`],
    ["escapes", `a="${"\\".repeat(4_000)}`],
  ])("is done at once with a Forwarded header of many %s", (_, value) => {
    const startedMs = performance.now();
    for (let times = 0; times < 20; times += 1) forwarded(`${value}\u0001`.replace("\u0001", "!"));
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
