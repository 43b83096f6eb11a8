import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { FIRST_OFFSET } from "../support/device.ts";
import { proveRecovery } from "../support/prove-recovery.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("the npm package centrifuge against $name", (target) => {
  test("connects, subscribes, is cut off and recovers without gap or duplicate", async () => {
    await using site = await startSite(target);
    await using proxy = await TcpProxy.start(site.server.port);
    const token = signToken({ sub: "u", devices: ["42"] });
    using client = new CentrifugeClient(`ws://127.0.0.1:${proxy.port}`, { token });
    await proveRecovery(client, { site, proxy });
    expect(proxy.accepted).toBe(2);
  });

  test("follows the channels its token names through a cut", async () => {
    await using site = await startSite(target);
    await using proxy = await TcpProxy.start(site.server.port);
    const token = signToken({ sub: "u", channels: ["device:42"] });
    using client = new CentrifugeClient(`ws://127.0.0.1:${proxy.port}`, { token });
    client.connect();
    const isConnected = (state: string) => state === "connected";
    await client.states.find(isConnected, { what: "the connection" });

    await site.device.post({ type: "t", data: 1 });
    await client.publications.find(({ offset }) => offset === FIRST_OFFSET, { what: "event 1" });
    proxy.refuse();
    proxy.cut();
    await site.device.post({ type: "t", data: 2 });
    proxy.accept();
    await client.publications.find(({ offset }) => offset === FIRST_OFFSET + 1, {
      what: "event 2",
    });
    expect(client.publications.items.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });

  test("fetches a new token when its own has expired", async () => {
    await using site = await startSite(target);
    const expired = signToken({ sub: "u", devices: ["42"], exp: 1_000_000_000 });
    const getToken = async () => signToken({ sub: "u", devices: ["42"] });
    using client = new CentrifugeClient(site.server.wsUrl, { token: expired, getToken });
    client.connect();
    await client.subscribe("device:42");
    expect(client.states.items.at(-1)).toBe("connected");
  });

  test("comes back by itself after the server drained, and stays away when its token is bad", async () => {
    await using site = await startSite(target, { config: { limits: { drain_spread: "100ms" } } });
    using bad = new CentrifugeClient(site.server.wsUrl, { token: "rubbish" });
    bad.connect();
    await bad.states.find((state) => state.startsWith("disconnected 3500"), {
      what: "the refusal",
    });

    const token = signToken({ sub: "u", devices: ["42"] });
    using client = new CentrifugeClient(site.server.wsUrl, { token });
    client.connect();
    await client.subscribe("device:42");
    expect(await site.server.stop()).toBe(0);
    await client.states.find((state) => state.startsWith("connecting 4002"), { what: "the drain" });
  });
});
