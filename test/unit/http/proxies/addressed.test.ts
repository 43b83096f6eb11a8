import { describe, expect, test } from "bun:test";
import type { RequestInfo } from "../../../../src/core/ports/host.ts";
import type { Metrics } from "../../../../src/core/ports/metrics.ts";
import { UNCOUNTED } from "../../../../src/core/uncounted.ts";
import { type CallerInfo, createAddressing } from "../../../../src/http/proxies/addressed.ts";
import type { AddressHeader } from "../../../../src/http/proxies/hop.ts";
import { createTrustedProxies } from "../../../../src/http/proxies/trusted-proxies.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { RecordingLog } from "../../../support/recording-log.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

function world(trustedProxies: readonly string[] = [], header: AddressHeader = "x-forwarded-for") {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const counted: string[] = [];
  const metrics: Metrics = {
    ...UNCOUNTED,
    count: (_, labels) => counted.push(JSON.stringify(labels)),
  };
  const settings = { trustedProxies, clientAddressHeader: header };
  const proxies = { current: createTrustedProxies(settings) };
  const callers: CallerInfo[] = [];
  const fetch = createAddressing({ clock, log, metrics, proxies })((_, info) => {
    callers.push(info);
    return new Response();
  });
  const calls: string[] = [];
  async function ask(from: string, headers: Record<string, string> = {}, path = "/login") {
    const info: RequestInfo = {
      remoteAddress: from,
      isCertified: true,
      upgrade: () => calls.push("upgrade") > 0,
      holdOpen: () => () => calls.push("closing"),
    };
    await fetch(new Request(`http://posthorn.test${path}`, { headers }), info);
    return { caller: callers.at(-1), info };
  }
  return { ask, clock, log, counted, calls, proxies };
}

const XFF = { "x-forwarded-for": "6.6.6.6, 192.0.2.1", "x-forwarded-proto": "https" };

describe("createAddressing()", () => {
  test("leaves what nobody passed on as the runtime told it", async () => {
    const it = world(["10.0.0.1"]);
    const { caller, info } = await it.ask("192.0.2.1");
    expect(caller).toBe(info);
    expect(it.log.lines).toEqual([]);
  });

  test("says whom a trusted proxy was asked by, and keeps all the rest working", async () => {
    const it = world(["10.0.0.0/8"]);
    const { caller } = await it.ask("10.0.0.1", XFF);
    expect(caller).toMatchObject({
      remoteAddress: "192.0.2.1",
      proxyAddress: "10.0.0.1",
      scheme: "https",
      isCertified: true,
    });
    caller?.upgrade({ open() {}, message() {}, pong() {}, close() {} }, {});
    caller?.holdOpen()();
    expect(it.calls).toEqual(["upgrade", "closing"]);
    expect(it.log.lines).toEqual([]);
  });

  test("says that a trusted proxy was between although it says nothing of whom it was asked by", async () => {
    const { caller } = await world(["127.0.0.1"]).ask("127.0.0.1");
    expect(caller).toMatchObject({ remoteAddress: "127.0.0.1", proxyAddress: "127.0.0.1" });
  });

  test("lets nobody else choose an address or a scheme, and says which line would", async () => {
    const it = world(["10.0.0.0/8"]);
    const { caller, info } = await it.ask("198.51.100.7", XFF);
    expect(caller).toBe(info);
    expect(it.log.of("proxy.odd")).toEqual([
      {
        code: "forwarded_untrusted",
        proxy: "198.51.100.7",
        found: expect.stringContaining("x-forwarded-for"),
        fix: [
          'if it is your proxy: server.trusted_proxies = ["10.0.0.0/8", "198.51.100.7"]',
          "if not: nothing",
        ],
      },
    ]);
  });

  test("follows a configuration that is replaced", async () => {
    const it = world();
    expect((await it.ask("10.0.0.1", XFF)).caller?.remoteAddress).toBe("10.0.0.1");
    const settings = { trustedProxies: ["10.0.0.1"], clientAddressHeader: "forwarded" } as const;
    it.proxies.current = createTrustedProxies(settings);
    const { caller } = await it.ask("10.0.0.1", { ...XFF, forwarded: "for=192.0.2.9" });
    expect(caller?.remoteAddress).toBe("192.0.2.9");
  });

  const SET_XFF = "nginx: proxy_set_header X-Forwarded-For $remote_addr;";
  const SET_REAL_IP = "nginx: proxy_set_header X-Real-IP $remote_addr;";

  test.each([
    {
      code: "address_header_other",
      headers: { "x-real-ip": "192.0.2.1" },
      fix: [
        SET_XFF,
        'or, if it is the proxy that sets it: server.client_address_header = "x-real-ip"',
      ],
    },
    { code: "address_header_other", headers: { "cf-connecting-ip": "192.0.2.1" }, fix: [SET_XFF] },
    { code: "address_header_missing", headers: {}, fix: [SET_XFF] },
    { code: "address_unclear", headers: { "x-forwarded-for": "unknown" }, fix: [SET_XFF] },
    { code: "real_ip_misspelt", headers: { "x-real_ip": "192.0.2.1" }, fix: [SET_REAL_IP] },
  ])("complains of $code and says the line that is missing", async ({ code, headers, fix }) => {
    const it = world(["10.0.0.0/8"]);
    const given = Object.entries(headers);
    await it.ask("10.0.0.1", Object.fromEntries(given));
    expect(it.log.of("proxy.odd")).toMatchObject([{ code, proxy: "10.0.0.1", fix }]);
  });

  test.each([
    ["a check of a balancer", "10.0.0.1", "/healthz"],
    ["a check of a balancer, with a query", "10.0.0.1", "/readyz?full"],
    ["somebody at the machine", "127.0.0.1", "/login"],
    ["somebody at the machine, by IPv6", "::1", "/login"],
  ])("complains of no missing header from %s", async (_, from, path) => {
    const it = world(["10.0.0.0/8", "127.0.0.1", "::1"]);
    await it.ask(from, {}, path);
    expect(it.log.lines).toEqual([]);
  });

  test("complains once a day of each cause and each proxy, and counts every time", async () => {
    const it = world();
    for (let times = 0; times < 100; times += 1) await it.ask("10.0.0.1", XFF);
    await it.ask("10.0.0.2", XFF);
    await it.ask("10.0.0.1", { "x-real_ip": "1" });
    expect(it.log.of("proxy.odd")).toHaveLength(3);
    expect(it.counted).toHaveLength(102);
    it.clock.advance(DAY_MS);
    await it.ask("10.0.0.1", XFF);
    expect(it.log.of("proxy.odd")).toHaveLength(4);
  });

  test("complains of so many only, because anybody may send such headers", async () => {
    const it = world();
    for (let host = 0; host < 200; host += 1) await it.ask(`198.51.100.${host}`, XFF);
    expect(it.log.of("proxy.odd")).toHaveLength(50);
  });
});
