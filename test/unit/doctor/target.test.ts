import { describe, expect, test } from "bun:test";
import { isPrivateAddress, parseTarget } from "../../../src/doctor/target.ts";

describe("parseTarget()", () => {
  test.each([
    ["push.example.com", "https://push.example.com", "push.example.com", 443, ""],
    ["wss://push.example.com/login", "https://push.example.com", "push.example.com", 443, ""],
    ["https://a.example:8443/push/", "https://a.example:8443/push", "a.example", 8443, "/push"],
    ["ws://[::1]:8077/connection/websocket", "http://[::1]:8077", "::1", 8077, ""],
    ["http://10.0.0.9", "http://10.0.0.9", "10.0.0.9", 80, ""],
    ["https://u:p@a.example/?ticket=x", "https://a.example", "a.example", 443, ""],
  ])("reads %s", (text, ...[url, host, port, prefix]) => {
    expect(parseTarget(text)).toMatchObject({ url, host, port, prefix });
  });

  test.each(["", "ftp://a.example", "https://", "not a host"])("refuses %j", (text) => {
    expect(parseTarget(text)).toBeUndefined();
  });
});

test.each([
  ["10.1.2.3", true],
  ["172.31.0.1", true],
  ["100.64.0.1", true],
  ["fd00::1", true],
  ["fe80::1", true],
  ["127.0.0.1", true],
  ["172.32.0.1", false],
  ["203.0.113.7", false],
  ["100.128.0.1", false],
  ["2001:db8::1", false],
])("isPrivateAddress(%s) is %s", (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate);
});
