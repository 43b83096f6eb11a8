import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket, type SocketOptions } from "../support/frame-socket.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine, type WireConnect } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("/login on $name", (target) => {
  test("connects by ?token= and subscribes to the user's devices in the first frame", async () => {
    await using site = await startSite(target);
    const token = signToken({ sub: "u", devices: ["42", "43"], channels: ["device:44"] });
    using socket = await login(site, `?token=${token}`);
    const connect = await connected(socket);
    expect(connect.client).toEqual(expect.any(String));
    expect(connect.ping).toBe(20);
    expect(connect.pong).toBeUndefined();
    expect(Object.keys(connect.subs ?? {}).sort()).toEqual(["device:42", "device:43", "device:44"]);
    expect(socket.lines.items[0]).toStartWith('{"push":{"connect":');

    await site.device.post({ id: "a", type: "t", data: 1, time: 5 });
    expect(await socket.publication("device:42", FIRST_OFFSET)).toBe(
      `{"push":{"channel":"device:42","pub":{"data":{"id":"a","type":"t","device":"42","time":5,"data":1},"offset":${FIRST_OFFSET}}}}`,
    );
  });

  test("connects by an Authorization header as well", async () => {
    await using site = await startSite(target);
    const token = signToken({ sub: "u", devices: ["42"] });
    using socket = await login(site, "", { headers: { authorization: `Bearer ${token}` } });
    expect(Object.keys((await connected(socket)).subs ?? {})).toEqual(["device:42"]);
  });

  test("takes commands of the client protocol after it", async () => {
    const channels = { room: { allow_subscribe: true } };
    await using site = await startSite(target, { config: { channels } });
    using socket = await login(site, `?token=${signToken({ sub: "u" })}`);
    await connected(socket);
    expect((await socket.command({ subscribe: { channel: "room:1" } })).subscribe).toEqual({});
    expect((await socket.command({ subscribe: { channel: "device:42" } })).error?.code).toBe(103);
    socket.send('{"id":9,"connect":{}}');
    expect((await socket.end()).code).toBe(3501);
  });

  test("answers plain text with reply, also to a visitor without credentials", async () => {
    await using site = await startSite(target);
    using socket = await login(site, "");
    expect((await connected(socket)).subs).toBeUndefined();
    for (const text of ["hi", "", "123", "[1]", "{not json"]) {
      const from = socket.frames.items.length;
      socket.send(text);
      await socket.frames.find((frame) => frame === "reply", {
        what: `an answer to ${text}`,
        from,
      });
    }
    const line = await site.server.waitForLog("client.message", ({ chars }) => chars === 2);
    expect(line["reply"]).toBe("reply");
  });

  test("gives visitors nothing but the reply", async () => {
    const channels = { room: { allow_subscribe: true } };
    await using site = await startSite(target, { config: { channels } });
    using socket = await login(site, "");
    await connected(socket);
    expect((await socket.command({ subscribe: { channel: "device:42" } })).error?.code).toBe(103);
    expect((await socket.command({ subscribe: { channel: "room:1" } })).error?.code).toBe(103);
  });

  test("says what the configuration says in place of reply, or nothing", async () => {
    {
      await using site = await startSite(target, { config: { login: { reply: "早上好" } } });
      using socket = await login(site, "");
      socket.send("hi");
      await socket.frames.find((frame) => frame === "早上好", { what: "the configured reply" });
    }
    await using quiet = await startSite(target, { config: { login: { reply: "" } } });
    using socket = await login(quiet, `?token=${signToken({ sub: "u" })}`);
    await connected(socket);
    socket.send("hi");
    await socket.command({ unsubscribe: { channel: "device:42" } });
    expect(socket.frames.items.length).toBe(2); // the connect push and the reply to unsubscribe
  });

  test("turns visitors away with a close code when it is told to", async () => {
    await using site = await startSite(target, { config: { login: { visitors: false } } });
    using socket = await login(site, "");
    expect((await socket.end()).code).toBe(3501);
  });

  test("accepts and then closes with a code what it refuses, since a phone cannot read a 401", async () => {
    await using site = await startSite(target);
    const cases = [
      [signToken({ sub: "u", exp: 1_000_000_000 }), 3005],
      [signToken({ sub: "u" }, "another-secret-another-secret-another"), 3500],
      ["rubbish", 3500],
    ] as const;
    for (const [token, code] of cases) {
      using socket = await login(site, `?token=${token}`);
      expect((await socket.end()).code).toBe(code);
    }
  });

  test("keeps a client that never sends a pong, as a page from the blog post never does", async () => {
    const limits = { ping_interval: "1s", pong_timeout: "500ms" };
    await using site = await startSite(target, { config: { limits } });
    using socket = await login(site, `?token=${signToken({ sub: "u", devices: ["42"] })}`);
    await connected(socket);
    for (let pings = 0; pings < 3; pings += 1) {
      const from = socket.lines.items.length;
      await socket.lines.find((line) => line === "{}", { what: `ping ${pings}`, from });
    }
    await site.device.post({ type: "t", data: 1 });
    await socket.publication("device:42", FIRST_OFFSET);
  });

  test("recovers each channel by its ?since=", async () => {
    await using site = await startSite(target);
    const other = await site.addDevice("43");
    const query = `?token=${signToken({ sub: "u", devices: ["42", "43"] })}`;
    using first = await login(site, query);
    const { subs = {} } = await connected(first);
    await site.device.post([1, 2, 3].map((data) => ({ type: "t", data })));
    await other.post([1, 2].map((data) => ({ type: "t", data })));
    const [first42, last43] = [FIRST_OFFSET, FIRST_OFFSET + 1];
    const sinces = [
      `${subs["device:42"]?.epoch}:${first42}`,
      `${subs["device:43"]?.epoch}:${last43}`,
    ];

    using second = await login(
      site,
      `${query}${sinces.map((since) => `&since=${since}`).join("")}`,
    );
    const recovered = (await connected(second)).subs ?? {};
    expect(recovered["device:42"]).toMatchObject({
      recovered: true,
      was_recovering: true,
      offset: first42,
      publications: [{ offset: first42 + 1 }, { offset: first42 + 2 }],
    });
    expect(recovered["device:43"]).toMatchObject({ recovered: true, offset: last43 });
    expect(recovered["device:43"]?.publications).toBeUndefined();
  });
});

function login(site: Site, query: string, options: SocketOptions = {}): Promise<FrameSocket> {
  return FrameSocket.open(`${site.server.wsUrl}/login${query}`, options);
}

async function connected(socket: FrameSocket): Promise<WireConnect> {
  const text = await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
  const connect = parseLine(text).push?.connect;
  if (connect === undefined) throw new Error(`Cannot read connect push: ${text}`);
  return connect;
}
