import { describe, expect, test } from "bun:test";
import { isInRanges, parseAddressRange } from "../../../src/core/address-range.ts";
import { formatIp, parseIp } from "../../../src/core/ip-address.ts";

describe("parseIp()", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8::00a1", "2001:db8::a1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:2:0:0:0:3:4", "1:0:2::3:4"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["10:20:30:0:0:0:0:0", "10:20:30::"],
  ])("reads %j as %j", (text, canonical) => {
    expect(formatIp(parseIp(text) ?? [])).toBe(canonical);
  });

  test.each([
    ...["", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", "256.0.0.1", "01.2.3.4", "1.2.3.4 "],
    ...["1.2.3.4:80", "[::1]", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::2"],
    ...["1:2:3:4::5:6:7:8", "g::1", "12345::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5"],
    ...["localhost", "unknown", "_x", "0x7f.0.0.1", "1.2.3.４"],
  ])("takes %j for no address", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

function isIn(address: string, range: string): boolean | undefined {
  const parsed = parseAddressRange(range);
  return parsed && isInRanges(parseIp(address) ?? [], [parsed]);
}

describe("an address range", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.9.9.9/8", "10.1.1.1", true],
    ["172.16.0.0/12", "172.31.255.255", true],
    ["172.16.0.0/12", "172.32.0.0", false],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7/32", "192.0.2.6", false],
    ["128.0.0.0/1", "127.0.0.1", false],
    ["fc00::/7", "fdff::1", true],
    ["fc00::/7", "fe00::1", false],
    ["::1", "::1", true],
    ["::1/128", "127.0.0.1", false],
    ["127.0.0.0/8", "::ffff:127.0.0.9", true],
    ["::ffff:127.0.0.1", "127.0.0.1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
  ] as const)("%s has %s: %j", (range, address, has) => {
    expect(isIn(address, range)).toBe(has);
  });

  test.each([
    ...["", "10.0.0.0/0", "::/0", "10.0.0.0/33", "::1/129", "10.0.0.0/8/8", "10.0.0.0/", "/8"],
    ...["10.0.0.0/-1", "10.0.0.0/x", "10.0.0.0/8.5", "unix", "localhost", "::ffff:10.0.0.0/104"],
  ])("is not read from %j", (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  });
});
