import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY } from "../support/backend.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { ReloadingServer } from "../support/reloading-server.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken, TOKEN_SECRET } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const NEW_KEY = "another-black-box-backend-key-98765";
const NEW_SECRET = "another-black-box-token-secret-98765432";
const NEWS = { news: { allow_subscribe: true } };
const EVENT = { type: "reading", data: { text: "x".repeat(1500) } };

describe.each(TARGETS)("SIGHUP at $name", (target) => {
  test("changes limits, also for who is connected already", async () => {
    await using it = await ReloadingServer.start(target, { channels: NEWS });
    using open = await it.client();
    const device = await it.device("door");
    expect((await device.post(EVENT)).status).toBe(200);
    const limits = {
      event_max_bytes: "1KB",
      frame_max_bytes: "8KB",
      channels_per_client: 1,
      commands_per_second: 1,
      commands_burst: 1,
    };
    expect((await it.reload({ channels: NEWS, limits }))["changed"]).toEqual(
      Object.keys(limits)
        .map((name) => `limits.${name}`)
        .toSorted(byOrderOfTheFile),
    );
    expect((await device.post(EVENT)).status).toBe(400);
    const codes: unknown[] = [];
    for (const channel of ["news:1", "news:2"]) {
      codes.push((await open.command({ subscribe: { channel } })).error?.code);
    }
    expect(codes).toEqual([undefined, 111]);
    await it.reload({ channels: NEWS });
    expect((await device.post(EVENT)).status).toBe(200);
    using next = await it.client();
    for (const channel of ["news:1", "news:2"]) {
      expect((await next.command({ subscribe: { channel } })).subscribe).toEqual({});
    }
  });

  test("changes the largest frame, up and down, for a socket that is open", async () => {
    await using it = await ReloadingServer.start(target, { channels: NEWS });
    using open = await it.client();
    await it.reload({ channels: NEWS, limits: { frame_max_bytes: "1MB" } });
    const large = JSON.stringify({ id: 7, subscribe: { channel: "news:1" } }).padEnd(500_000, " ");
    open.send(large);
    expect((await open.reply(7)).subscribe).toEqual({});
    await it.reload({ channels: NEWS, limits: { frame_max_bytes: "64KB" } });
    open.send(large);
    expect((await open.end()).code).toBe(1009);
  });

  test("exchanges API keys and leaves clients alone", async () => {
    await using it = await ReloadingServer.start(target, { channels: NEWS });
    using open = await it.client();
    await open.command({ subscribe: { channel: "news:1" } });
    const publish = (key: string) =>
      it.backend(key).post("/api/publish", JSON.stringify({ channel: "news:1", data: { key } }));
    await it.reload({ channels: NEWS, api: { keys: [NEW_KEY] } });
    expect((await publish(BACKEND_KEY)).status).toBe(401);
    expect((await publish(NEW_KEY)).status).toBe(200);
    await open.line(({ push }) => push?.pub !== undefined, "the publication");
  });

  test("exchanges the secret of tokens by way of the previous one", async () => {
    await using it = await ReloadingServer.start(target);
    const connects = async (secret: string): Promise<boolean> => {
      using socket = await FrameSocket.open(`${it.server.wsUrl}/connection/websocket`);
      socket.send(JSON.stringify({ id: 1, connect: { token: signToken({ sub: "bob" }, secret) } }));
      return await Promise.race([
        socket.reply(1).then(({ connect }) => connect !== undefined),
        socket.end().then(() => false),
      ]);
    };
    using open = await it.client();
    await it.reload({ tokens: { secret: NEW_SECRET, previous_secret: TOKEN_SECRET } });
    expect([await connects(TOKEN_SECRET), await connects(NEW_SECRET)]).toEqual([true, true]);
    await it.reload({ tokens: { secret: NEW_SECRET } });
    expect([await connects(TOKEN_SECRET), await connects(NEW_SECRET)]).toEqual([false, true]);
    // Who was let in stays until the token's own end.
    expect(await isServed(open)).toBe(true);
  });

  test("brings a namespace, and takes one away from all but those who are in it", async () => {
    await using it = await ReloadingServer.start(target, { channels: NEWS });
    using open = await it.client();
    await open.command({ subscribe: { channel: "news:1" } });
    expect((await open.command({ subscribe: { channel: "chat:1" } })).error?.code).toBe(102);
    const chat = { chat: { allow_subscribe: true, history_size: 10 } };
    expect((await it.reload({ channels: chat }))["changed"]).toEqual([
      "channels.news",
      "channels.chat",
    ]);
    const { subscribe } = await open.command({ subscribe: { channel: "chat:1" } });
    expect(subscribe).toMatchObject({ recoverable: true });
    const backend = it.backend();
    await backend.result("publish", { channel: "chat:1", data: { n: 1 } });
    await open.publication("chat:1", 1);
    expect(await backend.call("publish", { channel: "news:1", data: {} })).toContain('"code":102');
    using late = await it.client();
    expect((await late.command({ subscribe: { channel: "news:1" } })).error?.code).toBe(102);
    // It hears again as soon as there is somebody to hear.
    await it.reload({ channels: { ...NEWS, ...chat } });
    await backend.result("publish", { channel: "news:1", data: { n: 2 } });
    await open.line(({ push }) => push?.channel === "news:1", "a publication in news:1");
  });

  test("changes what is logged", async () => {
    await using it = await ReloadingServer.start(target);
    const chatter = async () => {
      using client = await it.client();
      await isServed(client);
    };
    await chatter();
    await it.reload({ log: { level: "debug" } });
    const from = it.server.logs.items.length;
    await chatter();
    await it.server.waitForLog("client.message", ({ level }) => level === "debug", from);
    await it.reload();
    const debugged = it.server.logged("client.message").length;
    await chatter();
    await it.reload();
    expect(it.server.logged("client.message")).toHaveLength(debugged);
  });

  test("keeps everybody in whom an empty file would lock out, or two listeners at one port", async () => {
    await using it = await ReloadingServer.start(target, { channels: NEWS });
    const empty = await it.refuse("# nothing\n");
    expect(String(empty["problems"])).toContain("posthorn.toml: got no setting at all");
    const ports = "[server]\nhttp_port = 8081\ndevices_port = 8081";
    const tls = "[tls]\ncert = 'c'\nkey = 'k'\nclient_ca = 'a'";
    const twice = await it.refuse(`${ports}\n${tls}`);
    expect(String(twice["problems"])).toContain("got 8081, the port of server.http_port too");
    expect((await it.backend().get("/v1/devices")).status).toBe(200);
  });

  test("changes nothing where the file is wrong, and names all that is", async () => {
    await using it = await ReloadingServer.start(target);
    const failed = await it.refuse(
      '[server]\nhost = "127.0.0.1"\n[api]\nkeyz = ["x"]\n[limits]\nbody_timeout = "soon"\n',
    );
    expect(failed).toMatchObject({
      level: "error",
      problems: [
        "api.keyz (posthorn.toml:4): there is no such key, did you mean api.keys?",
        expect.stringContaining(
          'limits.body_timeout (posthorn.toml:6): got "soon", wanted a duration',
        ),
      ],
    });
    expect((await it.backend().get("/v1/devices")).status).toBe(200);
    using client = await it.client();
    expect(await isServed(client)).toBe(true);
    const unreadable = await it.refuse(
      '[tokens]\nrsa_public_key = "nowhere.pem"\n[api]\nkeys = []\n',
    );
    expect(String(unreadable["problems"])).toContain("nowhere.pem");
    expect((await it.backend().get("/v1/devices")).status).toBe(200);
    expect((await it.reload())["changed"]).toEqual([]);
  });

  test("names what needs a restart and changes the rest", async () => {
    await using it = await ReloadingServer.start(target);
    const device = await it.device("door");
    const server = { host: "127.0.0.2", data: "./elsewhere" };
    const config = { server, store: { sync: "normal" }, limits: { event_max_bytes: "1KB" } };
    const reloaded = await it.reload(config);
    expect(reloaded).toMatchObject({
      changed: ["limits.event_max_bytes"],
      needsRestart: ["server.host", "server.data", "store.sync"],
    });
    const named = it.server.logged("config.restart_needed");
    expect(named.map(({ setting, is, wanted }) => ({ setting, is, wanted }))).toEqual([
      { setting: "server.host", is: "127.0.0.1", wanted: "127.0.0.2" },
      { setting: "server.data", is: 'the default "./data"', wanted: "./elsewhere" },
      { setting: "store.sync", is: 'the default "full"', wanted: "normal" },
    ]);
    expect((await device.post(EVENT)).status).toBe(400);
  });
});

/** Whether it gets an answer to something harmless. */
async function isServed(client: FrameSocket): Promise<boolean> {
  const { error } = await client.command({ unsubscribe: { channel: "device:none" } });
  return error === undefined;
}

/** As the schema has them. */
function byOrderOfTheFile(a: string, b: string): number {
  const order = ["channels_per", "commands_per", "commands_burst", "frame_max", "event_max"];
  const rank = (key: string): number => order.findIndex((part) => key.includes(part));
  return rank(a) - rank(b);
}
