import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { Backend } from "../support/backend.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { first, SDK_TRANSPORTS, SdkClient } from "../support/sdk-client.ts";
import { SdkWorld } from "../support/sdk-world.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken, type TokenClaims } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EPOCH = /^[A-Za-z]{8}$/;

let made = 0;

/** A name nobody else in this file uses: all tests of a target share one server. */
function unique(prefix: string): string {
  made += 1;
  return `${prefix}${made}`;
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe.each(TARGETS)("the npm package centrifuge on $name", (target) => {
  let world: SdkWorld;
  beforeAll(async () => {
    world = await SdkWorld.start(target);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  describe.each(SDK_TRANSPORTS)("by %s", (transport) => {
    const open = (user = unique("user"), options = {}) =>
      world.client({ sub: user }, { transport, ...options });

    test("connects, is told who it is, and leaves", async () => {
      const channel = unique("chat:");
      using client = open();
      const connected = await client.connected();
      expect(connected).toEqual({ client: expect.stringMatching(UUID), transport });
      await client.subscribed(channel);
      expect(await world.clientsIn(channel)).toBe(1);
      client.centrifuge.disconnect();
      expect(await first(client.heard.disconnected, "the end")).toEqual({
        code: 0,
        reason: "disconnect called",
      });
      // The server has noticed too. Its log may leave out lines in such a busy second.
      const isGone = async () => (await world.clientsIn(channel)) === 0 || undefined;
      await eventually(isGone, "the end on the server's side");
    });

    test("without a token is let in by the backend, or refused in its words", async () => {
      const options = { transport, token: "", headers: { "X-Tenant": "t1" } };
      using carl = new SdkClient(world.server, { ...options, data: { name: "carl" } });
      expect((await carl.connected()).data).toEqual({ hello: "carl", tenant: "t1" });
      using nobody = new SdkClient(world.server, options);
      nobody.centrifuge.connect();
      expect(await first(nobody.heard.disconnected, "the refusal")).toEqual({
        code: 1401,
        reason: "who are you",
      });
    });

    test("subscribes, hears, unsubscribes, hears nothing, and subscribes again", async () => {
      const channel = unique("plain:");
      using client = open();
      await client.connected();
      const it = client.subscription(channel);
      expect(await it.subscribed()).toEqual({
        channel,
        positioned: false,
        recoverable: false,
        wasRecovering: false,
        recovered: false,
        hasRecoveredPublications: false,
      });
      await world.publish(channel, "one");
      expect(await it.data(1)).toEqual(["one"]);
      it.sdk.unsubscribe();
      expect(await it.ended()).toBe(0);
      // The reply comes after the server has done it.
      await client.centrifuge.rpc("empty", null);
      await world.publish(channel, "unheard");
      await it.subscribed();
      await world.publish(channel, "two");
      expect(await it.data(2)).toEqual(["one", "two"]);
    });

    test("is told what its subscription is like, with the data its token brings", async () => {
      const user = unique("user");
      const channel = unique("closed:");
      using client = open(user);
      await client.connected();
      const claims = { sub: user, channel, data: { from: "token" } };
      const it = client.subscription(channel, { token: signToken(claims) });
      expect(await it.subscribed()).toMatchObject({
        recoverable: true,
        positioned: true,
        streamPosition: { offset: 0, epoch: expect.stringMatching(EPOCH) },
        data: { from: "token" },
      });
      const asked = client.subscription(unique("asked:"));
      expect((await asked.subscribed()).data).toEqual({ welcome: asked.sdk.channel });
    });

    test("publishes, and everyone sees what and who it was", async () => {
      const channel = unique("chat:");
      const user = unique("user");
      using author = world.client({ sub: user, info: { name: "Anna" } }, { transport });
      using reader = open();
      const [{ client }] = await Promise.all([author.connected(), reader.connected()]);
      const its = [await author.subscribed(channel), await reader.subscribed(channel)];
      const data = { text: "早上好", nested: [1, null, { x: true }] };
      await its[0]?.sdk.publish(data);
      for (const it of its) {
        expect(await first(it.heard.publication, "the publication")).toEqual({
          channel,
          data,
          offset: 1,
          info: { client, user, connInfo: { name: "Anna" } },
        });
      }
    });

    test("sees who is there, who comes and who goes", async () => {
      const channel = unique("loud:");
      const [anna, bob] = [unique("anna"), unique("bob")];
      using here = open(anna);
      using guest = open(bob);
      const [one, two] = await Promise.all([here.connected(), guest.connected()]);
      const it = await here.subscribed(channel);
      const there = await guest.subscribed(channel);
      const bobs = { client: two.client, user: bob };
      const isBobs = ({ info }: { readonly info: { readonly client: string } }) =>
        info.client === two.client;
      expect(await first(it.heard.join, "the join", isBobs)).toEqual({ channel, info: bobs });
      expect(await it.sdk.presence()).toEqual({
        clients: { [one.client]: { client: one.client, user: anna }, [two.client]: bobs },
      });
      expect(await it.sdk.presenceStats()).toEqual({ numClients: 2, numUsers: 2 });
      there.sdk.unsubscribe();
      expect(await first(it.heard.leave, "the leave", isBobs)).toEqual({ channel, info: bobs });
      expect(await here.centrifuge.presenceStats(channel)).toEqual({ numClients: 1, numUsers: 1 });
    });

    test("hears of comings and goings by asking where that is not forced", async () => {
      const channel = unique("chat:");
      using curious = open();
      using guest = open();
      await Promise.all([curious.connected(), guest.connected()]);
      const it = await curious.subscribed(channel, { joinLeave: true });
      const other = await guest.subscribed(channel);
      const isGuest = ({ info }: { readonly info: { readonly user: string } }) =>
        info.user !== it.heard.join.items[0]?.info.user;
      await first(it.heard.join, "the guest", isGuest);
      expect(other.heard.join.items).toEqual([]);
    });

    test("reads the history by limit, since and reverse", async () => {
      const channel = unique("chat:");
      using client = open();
      await client.connected();
      const { sdk } = await client.subscribed(channel);
      for (const n of [1, 2, 3, 4, 5]) await world.publish(channel, { n });
      const { epoch } = await sdk.history({ limit: 0 });
      const read = async (options: Parameters<typeof sdk.history>[0]) => {
        const { publications, ...top } = await sdk.history(options);
        return { top, offsets: publications.map(({ offset }) => offset) };
      };
      const since = { offset: 3, epoch };
      const wanted = [
        [{ limit: 0 }, []],
        [{ limit: 2 }, [1, 2]],
        [{ limit: -1 }, [1, 2, 3, 4, 5]],
        [{ limit: 100, since }, [4, 5]],
        [{ limit: 1, since }, [4]],
        [{ limit: 2, reverse: true }, [5, 4]],
        [{ limit: -1, since, reverse: true }, [2, 1]],
      ] as const;
      for (const [options, offsets] of wanted) {
        expect([options, await read(options)]).toEqual([
          options,
          { top: { epoch, offset: 5 }, offsets: [...offsets] },
        ]);
      }
      await expect(sdk.history({ limit: 1, since: { offset: 1, epoch: "other" } })).rejects.toEqual(
        { code: 112, message: "unrecoverable position", temporary: false },
      );
    });

    test("calls the backend, and gets its answers and its refusals", async () => {
      const user = unique("user");
      using client = open(user);
      const early = client.centrifuge.rpc("echo", { early: true });
      await client.connected();
      expect(await early).toEqual({ data: { user, data: { early: true } } });
      expect(await client.centrifuge.rpc("empty", null)).toEqual({ data: undefined });
      await expect(client.centrifuge.rpc("refuse", {})).rejects.toEqual({
        code: 1404,
        message: "no such thing",
        temporary: false,
      });
      await expect(client.centrifuge.rpc("broken", {})).rejects.toEqual({
        code: 100,
        message: "internal server error",
        temporary: true,
      });
      const ending = client.centrifuge.rpc("end", {});
      await expect(ending).rejects.toMatchObject({ code: expect.any(Number) });
      expect(await first(client.heard.disconnected, "the end")).toEqual({
        code: 4600,
        reason: "go away",
      });
    });

    test("is sent away for a message, which nobody here takes", async () => {
      using client = open();
      await client.connected();
      await client.centrifuge.send({ hello: true });
      expect(await first(client.heard.disconnected, "the end")).toEqual({
        code: 3508,
        reason: "not available",
      });
    });

    test("follows what its token subscribes it to, and what the backend adds and takes", async () => {
      const [own, added] = [unique("loud:"), unique("chat:")];
      const user = unique("user");
      using client = world.client({ sub: user, channels: [own] }, { transport });
      const { client: id } = await client.connected();
      expect(await first(client.heard.subscribed, "its own channel")).toMatchObject({
        channel: own,
        recoverable: true,
        positioned: true,
      });
      expect(await first(client.heard.join, "its own coming")).toEqual({
        channel: own,
        info: { client: id, user },
      });
      await world.publish(own, 1);
      await world.backend.result("subscribe", { user, channel: added, data: { why: "because" } });
      const isAdded = ({ channel }: { readonly channel: string }) => channel === added;
      expect(await first(client.heard.subscribed, "what is added", isAdded)).toMatchObject({
        channel: added,
        data: { why: "because" },
      });
      await world.publish(added, 2);
      await first(client.heard.publication, "the publication in it", isAdded);
      await world.backend.result("unsubscribe", { user, channel: added });
      expect(await first(client.heard.unsubscribed, "what is taken", isAdded)).toEqual({
        channel: added,
      });
      expect(client.heard.publication.items).toEqual([
        { channel: own, data: 1, offset: 1 },
        { channel: added, data: 2, offset: 1 },
      ]);
    });

    test("recovers its token's channels when it comes back", async () => {
      const channel = unique("chat:");
      using client = world.client({ sub: unique("user"), channels: [channel] }, { transport });
      await client.connected();
      await world.publish(channel, 1);
      await first(client.heard.publication, "publication 1");
      client.centrifuge.disconnect();
      await world.publish(channel, 2);
      client.centrifuge.connect();
      const again = ({ wasRecovering }: { readonly wasRecovering: boolean }) => wasRecovering;
      expect((await first(client.heard.subscribed, "the recovery", again)).recovered).toBe(true);
      await first(client.heard.publication, "publication 2", ({ offset }) => offset === 2);
      expect(client.heard.publication.items.map(({ offset }) => offset)).toEqual([1, 2]);
    });

    test("recovers what it missed, or is told that it cannot", async () => {
      using client = open();
      await client.connected();
      for (const { channel, recovered, data } of [
        { channel: unique("chat:"), recovered: true, data: [1, 2, 3, 4, 5] },
        { channel: unique("brief:"), recovered: false, data: [1, 5] },
        { channel: unique("latest:"), recovered: true, data: [1, 4, 5] },
      ]) {
        const it = await client.subscribed(channel);
        await world.publish(channel, 1);
        await it.data(1);
        it.sdk.unsubscribe();
        for (const n of [2, 3, 4]) await world.publish(channel, n);
        expect(await it.subscribed()).toMatchObject({ channel, wasRecovering: true, recovered });
        await world.publish(channel, 5);
        expect([channel, await it.data(data.length)]).toEqual([channel, data]);
      }
    });

    test("asks its application for the state when it cannot recover", async () => {
      const channel = unique("brief:");
      using client = open();
      await client.connected();
      let asked = 0;
      const getState = async () => {
        asked += 1;
        return world.backend.result<{ offset: number; epoch: string }>("history", { channel });
      };
      const it = await client.subscribed(channel, { getState });
      it.sdk.unsubscribe();
      for (const n of [1, 2, 3, 4]) await world.publish(channel, n);
      await it.subscribed();
      expect(asked).toBe(2);
      await world.publish(channel, 5);
      expect(await it.data(1)).toEqual([5]);
    });

    test("gets differences, live and recovered, and makes the whole of them", async () => {
      const channel = unique("chat:");
      const padding = "x".repeat(500);
      using client = open();
      await client.connected();
      const it = await client.subscribed(channel, { delta: "fossil" });
      for (const n of [1, 2, 3]) await world.publish(channel, { n, padding });
      await it.data(3);
      it.sdk.unsubscribe();
      for (const n of [4, 5]) await world.publish(channel, { n, padding });
      await it.subscribed();
      await world.publish(channel, { n: 6, padding });
      expect(await it.data(6)).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ n, padding })));
      const { numFullPayloads, numDeltaPayloads } = it.sdk.deltaStats();
      expect(numDeltaPayloads).toBeGreaterThanOrEqual(3);
      expect(numFullPayloads + numDeltaPayloads).toBe(6);
    });

    test("gets only what its tags filter lets through", async () => {
      const channel = unique("chat:");
      using client = open();
      await client.connected();
      const it = await client.subscribed(channel, {
        tagsFilter: { key: "kind", cmp: "eq", val: "door" },
      });
      for (const kind of ["light", "door", "heat"])
        await world.publish(channel, kind, { tags: { kind } });
      await world.publish(channel, "untagged");
      await world.publish(channel, "last", { tags: { kind: "door", room: "4" } });
      expect(await it.data(2)).toEqual(["door", "last"]);
      expect(it.heard.publication.items[1]?.tags).toEqual({ kind: "door", room: "4" });
    });

    test("stops where it may not subscribe, with the code that says why", async () => {
      using client = open();
      await client.connected();
      const endOf = async (channel: string, options = {}) => {
        const it = client.subscription(channel, options);
        it.sdk.subscribe();
        return it.ended();
      };
      expect(await endOf(unique("nowhere:"))).toBe(102);
      expect(await endOf(unique("closed:"))).toBe(103);
      expect(await endOf(unique("$chat:"))).toBe(103);
      expect(await endOf(unique("chat:secret#other,"))).toBe(103);
      expect(await endOf(unique("chat:"), { token: "rubbish" })).toBe(103);
      expect(await endOf("asked:no")).toBe(1403);
      expect(await endOf(`chat:${"x".repeat(300)}`)).toBe(107);
      const quiet = await client.subscribed(unique("plain:"));
      const { sdk } = quiet;
      for (const ask of [() => sdk.presence(), () => sdk.presenceStats(), () => sdk.history({})]) {
        await expect(ask()).rejects.toMatchObject({ code: 108 });
      }
      const elsewhere = client.centrifuge.publish(unique("chat:"), 1);
      await expect(elsewhere).rejects.toMatchObject({ code: 103 });
      expect(client.heard.disconnected.items).toEqual([]);
    });

    test("loses a subscription for good or for a moment, as the backend says", async () => {
      const user = unique("user");
      const channel = unique("chat:");
      using client = open(user);
      await client.connected();
      const it = await client.subscribed(channel);
      await world.backend.result("unsubscribe", { user, channel });
      expect(await first(it.heard.unsubscribed, "the end")).toEqual({
        channel,
        code: 2000,
        reason: "server unsubscribe",
      });
    });

    test("comes back or stays away, as the code of its disconnect says", async () => {
      const user = unique("user");
      using client = open(user);
      await client.connected();
      const disconnect = { code: 4100, reason: "move over" };
      await world.backend.result("disconnect", { user, disconnect });
      await first(client.heard.connecting, "the way back", ({ code }) => code === 4100);
      const { connected } = client.heard;
      await connected.find(() => connected.items.length === 2, { what: "the second connection" });
      await world.backend.result("disconnect", { user });
      expect(await first(client.heard.disconnected, "the end")).toEqual({
        code: 3503,
        reason: "force disconnect",
      });
    });

    test("fetches a new token when its own has expired, and stays away with a bad one", async () => {
      const user = unique("user");
      const expired = signToken({ sub: user, exp: 1_000_000_000 });
      const getToken = async () => signToken({ sub: user });
      using client = open(user, { token: expired, getToken });
      await client.connected();
      using bad = open(user, { token: "rubbish" });
      bad.centrifuge.connect();
      expect(await first(bad.heard.disconnected, "the refusal")).toEqual({
        code: 3500,
        reason: "invalid token",
      });
    });

    test("sends many commands in one frame and gets an answer to each", async () => {
      const channels = Array.from({ length: 20 }, () => unique("chat:"));
      using client = open();
      await client.connected();
      client.centrifuge.startBatching();
      const its = channels.map((channel) => client.subscription(channel));
      const subscribed = its.map((it) => it.subscribed());
      const calls = channels.map((channel) => client.centrifuge.rpc("echo", channel));
      client.centrifuge.stopBatching();
      expect((await Promise.all(subscribed)).map(({ channel }) => channel)).toEqual(channels);
      expect((await Promise.all(calls)).map(({ data }) => data.data)).toEqual(channels);
    });
  });

  test("refreshes its tokens before they expire, by every transport", async () => {
    const refreshing = SDK_TRANSPORTS.map(async (transport) => {
      const user = unique("user");
      const channel = unique("closed:");
      let [connectionTokens, subscriptionTokens] = [0, 0];
      // A token counts five seconds longer than it says, for clocks that differ.
      const exp = (fetched: number) => ({ exp: inSeconds(fetched === 1 ? -2 : 3600) });
      using client = world.client(
        { sub: user },
        {
          transport,
          token: "",
          getToken: async () => signToken({ sub: user, ...exp(++connectionTokens) }),
        },
      );
      await client.connected();
      const it = await client.subscribed(channel, {
        getToken: async () => signToken({ sub: user, channel, ...exp(++subscriptionTokens) }),
      });
      const isRefreshed = () => (connectionTokens > 1 && subscriptionTokens > 1) || undefined;
      await eventually(isRefreshed, `new tokens by ${transport}`);
      // Answered behind the two refreshes.
      await client.centrifuge.rpc("empty", null);
      expect([connectionTokens, subscriptionTokens]).toEqual([2, 2]);
      expect(client.heard.error.items).toEqual([]);
      expect(it.heard.error.items).toEqual([]);
      expect([client.centrifuge.state, it.sdk.state] as string[]).toEqual([
        "connected",
        "subscribed",
      ]);
    });
    await Promise.all(refreshing);
  });
});

/** The configuration under which the public test suites of the SDKs run. */
const SUITE_CONFIG = resolve(import.meta.dir, "../../config/sdk-suite.toml");

describe.each(TARGETS)("config/sdk-suite.toml on $name", (target) => {
  test("lets everyone do everything, and says so", async () => {
    await using server = await startPosthorn(target, {
      args: ["--config", SUITE_CONFIG, "--data", "kept"],
    });
    const { detail } = await server.waitForLog("server.insecure");
    const warning = `${detail}. It is for test suites only.`;
    await eventually(() => server.output.includes(warning) || undefined, "the warning for a human");
    const backend = new Backend(server.url, { "x-api-key": "test-api-key" });
    for (const transport of SDK_TRANSPORTS) {
      using client = new SdkClient(server, { transport });
      await client.connected();
      await client.centrifuge.publish("test", { transport });
      await expect(client.centrifuge.rpc("method", {})).rejects.toMatchObject({ code: 108 });
      for (const channel of ["test", "delta:1", "recovery:1", "smallhistory:1", "$chat#other"]) {
        const it = await client.subscribed(channel, { delta: "fossil" });
        expect(it.heard.subscribed.items).toMatchObject([{ recoverable: true, positioned: true }]);
        await backend.result("publish", { channel, data: { channel } });
        expect([channel, await it.data(1)]).toEqual([channel, [{ channel }]]);
      }
      expect((await client.centrifuge.presenceStats("test")).numClients).toBe(1);
      const { publications } = await client.centrifuge.history("smallhistory:1", { limit: -1 });
      expect(publications.length).toBeLessThanOrEqual(2);
    }
  });

  test("takes the tokens of the suites, and subscribes users to their own channel", async () => {
    await using server = await startPosthorn(target, {
      args: ["--config", SUITE_CONFIG, "--data", "kept"],
    });
    const sign = (claims: TokenClaims) => signToken(claims, "secret");
    using client = new SdkClient(server, { token: sign({ sub: "42" }) });
    await client.connected();
    expect((await first(client.heard.subscribed, "its own channel")).channel).toBe("#42");
    await first(client.heard.join, "its own coming");
    await client.centrifuge.publish("#42", 1);
    expect((await first(client.heard.publication, "its publication")).data).toBe(1);
    await client.subscribed("test1", { token: sign({ sub: "42", channel: "test1" }) });
    using bad = new SdkClient(server, { token: "invalid_token" });
    bad.centrifuge.connect();
    expect((await first(bad.heard.disconnected, "the refusal")).code).toBe(3500);
  });
});
