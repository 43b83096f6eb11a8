import { expect, setDefaultTimeout, test } from "bun:test";
import { FrameSocket } from "../support/frame-socket.ts";
import type { Posthorn } from "../support/posthorn.ts";
import { ReloadingServer } from "../support/reloading-server.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** All three at once, each with an address of its own behind what a client has forged. */
const HEADERS = {
  "x-forwarded-for": "6.6.6.6, 203.0.113.1, 10.0.0.7",
  forwarded: 'for=6.6.6.6;x=", For="[2001:DB8::2]:4711";proto=https, for=10.0.0.7',
  "x-real-ip": "203.0.113.3",
};

/** Where the server says a user has come from. */
async function addressOf(server: Posthorn, user: string): Promise<unknown> {
  const url = `${server.wsUrl}/login?token=${signToken({ sub: user })}`;
  using _socket = await FrameSocket.open(url, { headers: HEADERS });
  const line = await server.waitForLog("client.connected", (it) => it["user"] === user);
  return line["address"];
}

test.each(TARGETS)("a reload says whom $name believes, and by which header", async (target) => {
  await using it = await ReloadingServer.start(target);
  const { server } = it;
  expect(await addressOf(server, "nobody-trusted")).toBe("127.0.0.1");
  const odd = await server.waitForLog("proxy.odd");
  expect(odd["code"]).toBe("forwarded_untrusted");

  const config = { host: "127.0.0.1", trusted_proxies: ["127.0.0.0/8", "10.0.0.0/8"] };
  await it.reload({ server: config });
  expect(await addressOf(server, "x-forwarded-for")).toBe("203.0.113.1");
  for (const [client_address_header, address] of [
    ["forwarded", "2001:db8::2"],
    ["x-real-ip", "203.0.113.3"],
  ] as const) {
    await it.reload({ server: { ...config, client_address_header } });
    expect(await addressOf(server, client_address_header)).toBe(address);
  }

  await it.reload({ server: { ...config, trusted_proxies: ["10.0.0.0/8"] } });
  expect(await addressOf(server, "another-trusted")).toBe("127.0.0.1");
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('posthorn_proxy_oddities_total{code="forwarded_untrusted"} 2');
  expect(server.logged("proxy.odd")).toHaveLength(1);
});
