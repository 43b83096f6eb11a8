import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY } from "../support/backend.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { runCli } from "../support/cli.ts";
import { FIRST_OFFSET } from "../support/device.ts";
import { ALIPAY_KEYS, FakeAlipay, signed } from "../support/fake-alipay.ts";
import { FakeWeChat } from "../support/fake-wechat.ts";
import { FrameSocket, type SocketOptions } from "../support/frame-socket.ts";
import { ask } from "../support/guided-device.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine, type WireConnect } from "../support/wire.ts";
import { Workspace } from "../support/workspace.ts";

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

describe.each(TARGETS)("the url of a ticket on $name", (target) => {
  const api = { keys: [BACKEND_KEY] };

  test("leads where the backend asked for it, by the name it used", async () => {
    await using server = await startPosthorn(target, { config: { api } });
    for (const host of ["127.0.0.1", "localhost"]) {
      const url = await ticketUrl(`http://${host}:${server.port}`);
      expect(url).toStartWith(`ws://${host}:${server.port}/login?ticket=pht_`);
      using socket = await FrameSocket.open(url);
      await connected(socket);
    }
  });

  test("is one for wss where the server speaks TLS", async () => {
    await using workspace = await Workspace.make();
    const { ca, cert, key } = await makeCertificateFiles(target, workspace);
    const config = { api, tls: { cert, key } };
    await using server = await startPosthorn(target, { workspace, config });
    const url = await ticketUrl(server.url, ca);
    expect(url).toStartWith(`${server.wsUrl}/login?ticket=pht_`);
    expect(url).toStartWith("wss:");
    using socket = await FrameSocket.open(url, { ca });
    await connected(socket);
  });

  test("leads to server.public_url where that is set, as behind a proxy", async () => {
    const config = { api, server: { host: "127.0.0.1", public_url: "https://push.example.com" } };
    await using server = await startPosthorn(target, { config });
    expect(await ticketUrl(server.url)).toStartWith("wss://push.example.com/login?ticket=pht_");
  });
});

describe.each(TARGETS)("a session on $name", (target) => {
  const [first, second] = ["first", "second"].map((it) => `${it}-secret-${"x".repeat(32)}`);

  test("outlives a change of its secret, and ends with its mini-program", async () => {
    await using wechat = new FakeWeChat();
    await using workspace = await Workspace.make();
    const { url, appId, secret } = wechat.settings;
    const table = { provider: "wechat", url, app_id: appId, secret };
    const start = (sessions: Readonly<Record<string, unknown>>, more = {}) => {
      const config = { sessions, logins: { wechat: { ...table, ...more } } };
      return startPosthorn(target, { workspace, config });
    };
    const again = async (server: Posthorn, session: unknown) => {
      const answer = await ask(`${server.url}/v1/login/session`, {
        method: "POST",
        body: { session },
      });
      return [answer.status, answer.body["user"] ?? answer.body["code"]];
    };

    await using before = await start({ secret: first });
    const code = wechat.login({ openid: "oAnna" });
    const login = { method: "POST", body: { code } };
    const { session } = (await ask(`${before.url}/v1/login/wechat`, login)).body;
    await before.stop();

    const changed = { secret: second, previous_secret: first };
    await using rotated = await start(changed);
    expect(await again(rotated, session)).toEqual([200, "wechat-oAnna"]);
    const later = { method: "POST", body: { code: wechat.login({ openid: "oBob" }) } };
    const { session: newer } = (await ask(`${rotated.url}/v1/login/wechat`, later)).body;
    await rotated.stop();

    await using other = await start(changed, { app_id: "wxOther" });
    expect(await again(other, session)).toEqual([401, "session_invalid"]);
    await other.stop();

    await using done = await start({ secret: second });
    expect(await again(done, session)).toEqual([401, "session_invalid"]);
    expect(await again(done, newer)).toEqual([200, "wechat-oBob"]);
  });
});

describe.each(TARGETS)("a login by Alipay on $name", (target) => {
  test("is signed by the app's key, and lets in whom Alipay's signature names", async () => {
    await using workspace = await Workspace.make();
    await using alipay = await FakeAlipay.start(workspace);
    const { url, appId, privateKeyFile, alipayPublicKeyFile } = alipay.settings;
    const table = { provider: "alipay", url, app_id: appId, private_key: privateKeyFile };
    const logins = { shop: { ...table, alipay_public_key: alipayPublicKeyFile } };
    await using server = await startPosthorn(target, { workspace, config: { logins } });
    const login = (code: string) =>
      ask(`${server.url}/v1/login/shop`, { method: "POST", body: { code } });

    const code = alipay.login({ open_id: "aAnna" });
    const { status, body } = await login(code);
    expect([status, body["user"]]).toEqual([200, "shop-aAnna"]);
    using socket = await FrameSocket.open(`${server.wsUrl}/login?ticket=${body["ticket"]}`);
    await connected(socket);
    const { session } = body;
    const again = await ask(`${server.url}/v1/login/session`, {
      method: "POST",
      body: { session },
    });
    expect([again.status, again.body["user"]]).toEqual([200, "shop-aAnna"]);

    const used = await login(code);
    expect([used.status, used.body["code"]]).toEqual([401, "login_code_invalid"]);
    const forged = { open_id: "evil" };
    alipay.intercept = () =>
      signed("alipay_system_oauth_token_response", forged, ALIPAY_KEYS.other);
    const refused = await login("c");
    expect([refused.status, refused.body["code"]]).toEqual([503, "login_unavailable"]);
    await server.waitForLog("http.unavailable");
    for (const secret of [...alipay.tokens, code, "PRIVATE KEY"]) {
      expect(server.output).not.toContain(secret);
    }
  });

  test("is not offered with a key that cannot be used: the server does not start", async () => {
    await using workspace = await Workspace.make();
    const file = await workspace.write("app.pem", "canary");
    const shop = { provider: "alipay", app_id: "2021", private_key: file };
    await workspace.write(
      "posthorn.toml",
      `[logins.shop]\n${Object.entries(shop)
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
        .join("\n")}\n[server]\nport = 0\n`,
    );
    const { code, stdout, stderr } = await runCli(target, ["serve"], { workspace });
    expect(code).not.toBe(0);
    expect(stderr + stdout).toContain(
      `private_key of a login: ${file} does not hold what is wanted`,
    );
    expect(stderr + stdout).not.toContain("canary");
  });
});

/** Where the client of a user is to connect, as the backend learns it. */
async function ticketUrl(server: string, ca?: string): Promise<string> {
  const answer = await fetch(`${server}/v1/tickets`, {
    method: "POST",
    headers: { "x-api-key": BACKEND_KEY },
    body: JSON.stringify({ user: "anna" }),
    ...(ca !== undefined && { tls: { ca } }),
  });
  return String(((await answer.json()) as { readonly url?: unknown }).url);
}

function login(site: Site, query: string, options: SocketOptions = {}): Promise<FrameSocket> {
  return FrameSocket.open(`${site.server.wsUrl}/login${query}`, options);
}

async function connected(socket: FrameSocket): Promise<WireConnect> {
  const text = await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
  const connect = parseLine(text).push?.connect;
  if (connect === undefined) throw new Error(`Cannot read connect push: ${text}`);
  return connect;
}
