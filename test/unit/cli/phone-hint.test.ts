import { expect, test } from "bun:test";
import type { NetworkInterfaceInfo } from "node:os";
import { phoneHint } from "../../../src/cli/phone-hint.ts";

const URL_HERE = "http://127.0.0.1:8078";

function at(...addresses: string[]): NetworkInterfaceInfo[] {
  const others = { netmask: "", mac: "", cidr: null };
  return addresses.map((address) => ({
    address,
    internal: address.startsWith("127."),
    ...others,
    ...(address.includes(":") ? { family: "IPv6", scopeid: 0 } : { family: "IPv4" }),
  }));
}

/** The lines a phone could open. */
function shownOf(interfaces: object, url = URL_HERE): readonly string[] {
  const hint = phoneHint(url, interfaces as Record<string, NetworkInterfaceInfo[]>);
  return hint.split("\n").filter((line) => line.startsWith("  "));
}

test("phoneHint() is a sentence with addresses below it", () => {
  const interfaces = {
    lo: at("127.0.0.1"),
    eth0: at("10.1.2.3", "fe80::1"),
    wlan0: at("192.168.1.10"),
  };
  expect(phoneHint(URL_HERE, interfaces)).toBe(`
A phone in the same network opens:

  http://10.1.2.3:8078/demo
  http://192.168.1.10:8078/demo
`);
});

test.each([
  { what: "loopback", interfaces: { lo: at("127.0.0.1", "::1") } },
  { what: "public addresses", interfaces: { eth0: at("203.0.113.7", "172.32.0.1") } },
  { what: "bridges", interfaces: { docker0: at("172.17.0.1"), "br-0a": at("172.18.0.1") } },
  { what: "an interface without any", interfaces: { tun0: undefined } },
])("phoneHint() says nothing of $what", ({ interfaces }) => {
  expect(phoneHint(URL_HERE, interfaces as Record<string, NetworkInterfaceInfo[]>)).toBe("");
});

test("phoneHint() says nothing where the address that is shown is in the network already", () => {
  expect(shownOf({ eth0: at("10.0.0.1") }, "http://10.0.0.1:8077")).toEqual([]);
});

test("phoneHint() has no more addresses than anyone would try", () => {
  const many = at("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5");
  expect(shownOf({ eth0: many })).toHaveLength(4);
});
