import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { FrameSocket, type SocketOptions } from "../support/frame-socket.ts";
import { HeldStream } from "../support/held-stream.ts";
import type { Posthorn } from "../support/posthorn.ts";
import { proveRecovery } from "../support/prove-recovery.ts";
import { type RawAnswer, RawConnection, rawRequest } from "../support/raw-http.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const BIDIRECTIONAL = ["http_stream", "sse"] as const;
const UNIDIRECTIONAL = ["uni_http_stream", "uni_sse"] as const;
const PAGE = "https://app.example.com";
const TOKEN = signToken({ sub: "u", devices: ["42"], channels: ["device:42"] });
const CHAT = {
  allow_subscribe: true,
  allow_publish: "subscriber",
  allow_history: "subscriber",
  history_size: 10,
};

/** Opens a held response as its clients do: SSE by its query, streaming by a body. */
function hold(
  server: Posthorn,
  transport: (typeof BIDIRECTIONAL)[number] | (typeof UNIDIRECTIONAL)[number],
  first: object,
): Promise<HeldStream> {
  const url = `${server.url}/connection/${transport}`;
  const text = JSON.stringify(first);
  if (transport.endsWith("sse")) {
    return HeldStream.open(`${url}?cf_connect=${encodeURIComponent(text)}`);
  }
  return HeldStream.open(url, { method: "POST", body: text });
}

const CONNECT = { id: 1, connect: { token: TOKEN } };

async function ask(server: Posthorn, lines: readonly string[], body = ""): Promise<RawAnswer> {
  using connection = await RawConnection.open(server.port);
  const head = [...lines, "Host: 127.0.0.1", `Content-Length: ${body.length}`, "Connection: close"];
  connection.write(rawRequest(head, body));
  return await connection.answer();
}

/** Whether the handshake fails. (`expect().rejects` blocks Bun's event loop, and log lines get stuck.) */
async function isRefused(url: string, options: SocketOptions): Promise<boolean> {
  try {
    using _socket = await FrameSocket.open(url, options);
    return false;
  } catch {
    return true;
  }
}

/** Everybody who came has gone, for the server's log too. */
async function expectAllGone({ server }: Site, clients: number): Promise<void> {
  for (let gone = 1; gone <= clients; gone += 1) {
    const connected = server.logged("client.connected").map((line) => line["client"]);
    expect(connected).toHaveLength(clients);
    await server.waitForLog(
      "client.disconnected",
      (line) => line["client"] === connected[gone - 1],
    );
  }
}

describe.each(TARGETS)("a held response of $name", (target) => {
  test.each(BIDIRECTIONAL)(
    "carries the npm package centrifuge by %s through a cut",
    async (transport) => {
      await using site = await startSite(target);
      await using proxy = await TcpProxy.start(site.server.port);
      const token = signToken({ sub: "u", devices: ["42"] });
      const url = `ws://127.0.0.1:${proxy.port}`;
      using client = new CentrifugeClient(url, { token, transport });
      await proveRecovery(client, { site, proxy });
    },
  );

  test.each(BIDIRECTIONAL)(
    "lets centrifuge publish and read by %s, and answer pings",
    async (transport) => {
      await using site = await startSite(target, {
        config: {
          channels: { chat: CHAT },
          limits: { ping_interval: "1s", pong_timeout: "500ms" },
        },
      });
      const token = signToken({ sub: "u" });
      using client = new CentrifugeClient(site.server.wsUrl, { token, transport });
      using watch = await hold(site.server, "uni_sse", { token });
      client.connect();
      await client.subscribe("chat:1");
      await client.publish("chat:1", { n: 1 });
      await client.publications.find(({ offset }) => offset === 1, { what: "its own publication" });
      expect(await client.history("chat:1")).toEqual([1]);

      const isPing = (line: string) => line === "{}";
      for (let pings = 0; pings < 3; pings += 1) {
        const from = watch.lines.items.length;
        await watch.lines.find(isPing, { what: "a ping", from });
      }
      expect(site.server.logged("client.disconnected")).toEqual([]);
      expect(client.states.items.filter((state) => state === "connected")).toHaveLength(1);
    },
  );

  test.each(BIDIRECTIONAL)(
    "by %s ends with 3012 when pings are not answered",
    async (transport) => {
      await using site = await startSite(target, {
        config: { limits: { ping_interval: "1s", pong_timeout: "300ms" } },
      });
      using client = await hold(site.server, transport, CONNECT);
      const { push } = await client.message(
        ({ push }) => push?.disconnect !== undefined,
        "the end",
      );
      expect(push?.disconnect).toEqual({ code: 3012, reason: "no pong" });
      await client.end();
    },
  );

  test.each(UNIDIRECTIONAL)(
    "by %s shows who only listens everything, and needs no answer",
    async (transport) => {
      await using site = await startSite(target, {
        config: { limits: { ping_interval: "1s", pong_timeout: "300ms" } },
      });
      using client = await hold(site.server, transport, { token: TOKEN });
      const { connect } = await client.message(
        (it) => it.connect !== undefined,
        "the connect push",
      );
      expect(connect).toMatchObject({
        session: expect.stringMatching(/^[\w-]{22}$/),
        ping: 1,
        subs: { "device:42": { recoverable: true } },
      });
      expect(connect).not.toHaveProperty("node");
      const pings = () => client.lines.items.filter((line) => line === "{}").length;
      while (pings() < 2) {
        const from = client.lines.items.length;
        await client.lines.find((line) => line === "{}", { what: "a ping", from });
      }
      const { results } = await site.device.post({ type: "t", data: 1 });
      const { channel } = await client.message(
        ({ pub }) => pub?.offset === results[0]?.offset,
        "the publication",
      );
      expect(channel).toBe("device:42");
    },
  );

  test("may neither be buffered nor stored, and begins at once", async () => {
    await using site = await startSite(target);
    for (const transport of [...BIDIRECTIONAL, ...UNIDIRECTIONAL]) {
      const first = transport.startsWith("uni") ? { token: TOKEN } : CONNECT;
      using client = await hold(site.server, transport, first);
      await client.message((it) => it.connect !== undefined, `the first message by ${transport}`);
      expect(client.status).toBe(200);
      expect(client.headers.get("x-accel-buffering")).toBe("no");
      expect(client.headers.get("cache-control")).toContain("no-cache");
      const isEvents = transport.endsWith("sse");
      const type = isEvents ? "text/event-stream; charset=utf-8" : "application/json";
      expect(client.headers.get("content-type")).toBe(type);
      expect(client.text.startsWith("\ndata: {")).toBe(isEvents);
      expect(client.text.endsWith("}\n\n")).toBe(isEvents);
    }
  });

  test("of a client that leaves is forgotten, with all it was subscribed to", async () => {
    await using site = await startSite(target);
    for (const transport of [...BIDIRECTIONAL, ...UNIDIRECTIONAL]) {
      const first = transport.startsWith("uni") ? { token: TOKEN } : CONNECT;
      using client = await hold(site.server, transport, first);
      await client.message((it) => it.connect !== undefined, "the first message");
    }
    await expectAllGone(site, 4);
    const ends = site.server.logged("client.disconnected");
    expect(ends.map((line) => [line["by"], line["code"]])).toEqual(
      Array.from({ length: 4 }, () => ["client", 3000]),
    );
  });

  test("of a client that stops reading is ended with 3008, and comes to an end for it too", async () => {
    await using site = await startSite(target, { config: { limits: { queue_max_bytes: "64KB" } } });
    using stalled = await RawConnection.open(site.server.port);
    const body = JSON.stringify(CONNECT);
    const head = ["POST /connection/http_stream HTTP/1.1", "Host: x", "Connection: close"];
    stalled.write(rawRequest([...head, `Content-Length: ${body.length}`], body));
    await site.server.waitForLog("client.connected");
    stalled.pause();
    using healthy = await hold(site.server, "uni_sse", { token: TOKEN });
    await healthy.message((it) => it.connect !== undefined, "the connect push");

    const data = "x".repeat(50_000);
    let last = 0;
    while (site.server.logged("client.slow").length === 0 && last < 1000) {
      const { results } = await site.device.post({ type: "t", data });
      last = results[0]?.offset ?? Number.NaN;
    }
    await healthy.message((it) => it.pub?.offset === last, "the last publication");
    const ends = site.server.logged("client.disconnected");
    expect(ends).toMatchObject([{ code: 3008, by: "server" }]);
    // What the kernel has taken can still be read, and nothing has to come after it.
    stalled.resume();
    await stalled.ended();
  });

  test.each([...BIDIRECTIONAL, ...UNIDIRECTIONAL])(
    "by %s is told of a shutdown, and ends",
    async (transport) => {
      await using site = await startSite(target);
      const isListener = transport.startsWith("uni");
      using client = await hold(site.server, transport, isListener ? { token: TOKEN } : CONNECT);
      await client.message((it) => it.connect !== undefined, "the first message");
      expect(await site.server.stop()).toBe(0);
      const last = JSON.parse(client.lines.items.at(-1) ?? "{}");
      expect(isListener ? last : last.push).toMatchObject({ disconnect: { code: 4002 } });
      await client.end();
      expect(site.server.logged("http.bug")).toEqual([]);
    },
  );

  test("is refused for what is no first frame, with the status that says why", async () => {
    await using site = await startSite(target);
    const long = "x".repeat(64 * 1024 + 1);
    const cases = [
      { ask: "GET /connection/sse", body: "", status: 400, code: "connect_missing" },
      { ask: "POST /connection/http_stream", body: "", status: 400, code: "connect_missing" },
      { ask: "POST /connection/uni_sse", body: "no", status: 400, code: "frame_malformed" },
      { ask: "POST /connection/sse", body: long, status: 413, code: "body_too_large" },
      { ask: "GET /connection/http_stream", body: "", status: 405, code: "http_method_wrong" },
      { ask: "PUT /connection/uni_http_stream", body: "", status: 405, code: "http_method_wrong" },
    ];
    for (const { ask: line, body, status, code } of cases) {
      const answer = await ask(site.server, [`${line} HTTP/1.1`], body);
      expect([line, answer.status]).toEqual([line, status]);
      expect([line, JSON.parse(answer.body).code]).toEqual([line, code]);
    }
    expect((await ask(site.server, ["HEAD /connection/uni_sse HTTP/1.1"])).status).toBe(405);
    expect(site.server.logged("client.connected")).toEqual([]);
  });
});

describe.each(TARGETS)("POST /emulation of $name", (target) => {
  test("reaches a client at its node only, and says nothing of who is there", async () => {
    await using site = await startSite(target);
    using client = await hold(site.server, "http_stream", CONNECT);
    const { connect } = await client.message((it) => it.connect !== undefined, "the reply");
    const { session, node } = connect ?? {};
    const data = JSON.stringify({ id: 2, unsubscribe: { channel: "device:42" } });
    const emulate = async (body: object | string) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return ask(site.server, ["POST /emulation HTTP/1.1"], text);
    };
    const good = await emulate({ session, node, data });
    expect([good.status, good.body]).toEqual([204, ""]);
    await client.message((it) => it.id === 2, "the reply to the emulated command");
    expect((await emulate({ session: "guessed", node, data })).status).toBe(204);
    expect((await emulate({ session, node: crypto.randomUUID(), data })).status).toBe(404);
    expect((await emulate("nonsense")).status).toBe(400);
    expect((await emulate("x".repeat(64 * 1024 + 1))).status).toBe(413);
    expect((await ask(site.server, ["GET /emulation HTTP/1.1"])).status).toBe(405);
    expect(JSON.stringify(site.server.logs.items)).not.toContain(session ?? "no session");
  });
});

describe.each(TARGETS)("/connection/uni_websocket of $name", (target) => {
  test.each(["by its address", "by its first message"])("lets a client begin %s", async (how) => {
    await using site = await startSite(target);
    const request = JSON.stringify({ token: TOKEN });
    const isByAddress = how === "by its address";
    const query = isByAddress ? `?cf_connect=${encodeURIComponent(request)}` : "";
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/uni_websocket${query}`);
    if (!isByAddress) socket.send(request);
    const { connect } = JSON.parse(
      await socket.line((it) => it.connect !== undefined, "the connect push"),
    );
    expect(connect).toMatchObject({ session: expect.any(String), ping: 20 });
    const postAndHear = async (data: string) => {
      await site.device.post({ type: "t", data });
      await socket.lines.find((line) => line.includes(data), { what: data });
    };
    await postAndHear("the publication");
    socket.send("whatever");
    await postAndHear("the next one");
    expect(socket.lines.items.every((line) => !line.startsWith('{"push"'))).toBe(true);
  });

  test("closes with a code what it refuses", async () => {
    await using site = await startSite(target);
    for (const [request, code] of [
      ["nonsense", 3501],
      [JSON.stringify({ token: "rubbish" }), 3500],
      [JSON.stringify({ token: signToken({ sub: "u", exp: 1_000_000_000 }) }), 3005],
    ] as const) {
      using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/uni_websocket`);
      socket.send(request);
      expect((await socket.end()).code).toBe(code);
    }
  });

  test("keeps a client that answers the pings of its websocket only", async () => {
    await using site = await startSite(target, {
      config: { limits: { ping_interval: "1s", pong_timeout: "500ms" } },
    });
    using listener = await FrameSocket.open(`${site.server.wsUrl}/connection/uni_websocket`);
    listener.send(JSON.stringify({ token: TOKEN }));
    const quiet = `${site.server.wsUrl}/connection/websocket?cf_ws_frame_ping_pong=true`;
    using silent = await FrameSocket.open(quiet);
    const { connect } = await silent.command({ connect: { token: TOKEN } });
    expect(connect).not.toHaveProperty("pong");
    for (let pings = 0; pings < 4; pings += 1) {
      const from = listener.lines.items.length;
      await listener.lines.find((line) => line === "{}", { what: "a ping", from });
    }
    expect(site.server.logged("client.disconnected")).toEqual([]);
  });
});

describe.each(TARGETS)("a page of another origin at $name", (target) => {
  test("is kept out everywhere unless it is listed, and the log names the key", async () => {
    await using site = await startSite(target, {
      config: { clients: { allowed_origins: [PAGE] } },
    });
    const { server } = site;
    const evil = { headers: { origin: "https://evil.example.org" } };
    for (const path of ["/login", "/connection/websocket", "/connection/uni_websocket"]) {
      expect(await isRefused(`${server.wsUrl}${path}`, evil)).toBe(true);
      using socket = await FrameSocket.open(`${server.wsUrl}${path}`, {
        headers: { origin: PAGE },
      });
      expect(socket.protocol).toBe("");
      const line = await server.waitForLog("handshake.failed", (it) => it["path"] === path);
      expect(line).toMatchObject({ level: "warn", code: "origin_denied" });
      expect(JSON.stringify(line["fix"])).toContain("clients.allowed_origins");
    }

    const post = (origin: string) =>
      fetch(`${server.url}/emulation`, { method: "POST", headers: { origin }, body: "nonsense" });
    const refused = await post("https://evil.example.org");
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      403,
      null,
    ]);
    const listed = await post(PAGE);
    expect([listed.status, listed.headers.get("access-control-allow-origin")]).toEqual([400, PAGE]);
    const asked = await fetch(`${server.url}/emulation`, {
      method: "OPTIONS",
      headers: { origin: PAGE, "access-control-request-headers": "content-type" },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
    expect(asked.headers.get("access-control-allow-headers")).toBe("content-type");
    expect(asked.headers.get("access-control-max-age")).toBe("300");
  });
});
