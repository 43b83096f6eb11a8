import { describe, expect, setDefaultTimeout, test } from "bun:test";
import process from "node:process";
import { BACKEND_KEY } from "../support/backend.ts";
import { cleanEnvironment } from "../support/clean-environment.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { configure, Posthorn } from "../support/posthorn.ts";
import { ReloadingServer } from "../support/reloading-server.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const PAGE = "https://shop.example";
const FLEET_KEY = "a-fleet-key-of-the-reload-tests-0123";

describe.each(TARGETS)("SIGHUP at $name", (target) => {
  test("changes who may come in, and what they are told", async () => {
    await using it = await ReloadingServer.start(target);
    const { url, wsUrl } = it.server;
    const preflight = async () => {
      const headers = { origin: PAGE, "access-control-request-method": "POST" };
      const path = `${url}/connection/http_stream`;
      return (await fetch(path, { method: "OPTIONS", headers })).status;
    };
    const enroll = async () => {
      const body = JSON.stringify({ key: FLEET_KEY, device: "new" });
      const headers = { "content-type": "application/json" };
      return (await fetch(`${url}/v1/enroll`, { method: "POST", headers, body })).status;
    };
    const greeting = async () => {
      using socket = await FrameSocket.open(`${wsUrl}/login`);
      socket.send("hello");
      return await socket.frames.find((frame) => !frame.startsWith("{"), { what: "the reply" });
    };
    const ticketUrl = async () => {
      const { text } = await it.backend().post("/v1/tickets", '{"user":"anna"}');
      return new URL(JSON.parse(text).url).origin;
    };
    expect([await preflight(), await enroll()]).toEqual([403, 403]);
    expect([await greeting(), await ticketUrl()]).toEqual(["reply", wsUrl]);
    await it.reload({
      server: { public_url: "https://push.example" },
      clients: { allowed_origins: [PAGE] },
      devices: { fleet_keys: [FLEET_KEY] },
      login: { reply: "hello yourself" },
    });
    expect([await preflight(), await enroll()]).toEqual([204, 201]);
    expect([await greeting(), await ticketUrl()]).toEqual(["hello yourself", "wss://push.example"]);
  });

  test("asks another backend about who brings no token", async () => {
    await using it = await ReloadingServer.start(target);
    await using backend = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => Response.json({ result: { user: "from the backend" } }),
    });
    const connect = async () => {
      using socket = await FrameSocket.open(`${it.server.wsUrl}/connection/websocket`);
      socket.send('{"id":1,"connect":{}}');
      return await Promise.race([
        socket.reply(1).then(({ connect: connected }) => connected !== undefined),
        socket.end().then(() => false),
      ]);
    };
    expect(await connect()).toBe(false);
    await it.reload({ callbacks: { connect: `http://127.0.0.1:${backend.port}/` } });
    expect(await connect()).toBe(true);
  });

  test("may come several times, and before the server listens", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace, { api: { keys: [BACKEND_KEY] } });
    const command = [...target.command, "serve", "--port", "0"];
    const env = cleanEnvironment();
    await using server = new Posthorn(command, workspace, { env, ownsWorkspace: false });
    await server.waitForLog("store.opened");
    await configure(workspace, { login: { reply: "hi" } });
    for (let asked = 0; asked < 3; asked += 1) process.kill(server.pid, "SIGHUP");
    await server.listening();
    await server.waitForLog("config.reloaded");
    const reply = async () => {
      using socket = await FrameSocket.open(`${server.wsUrl}/login`);
      socket.send("hello");
      return await socket.frames.find((frame) => !frame.startsWith("{"), { what: "the reply" });
    };
    expect(await reply()).toBe("hi");
    expect(server.logged("config.reload_failed")).toEqual([]);
    expect(await server.stop()).toBe(0);
  });
});
