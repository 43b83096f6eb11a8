import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { runCli } from "../support/cli.ts";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken, TOKEN_SECRET } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** Host headers that make a runtime build a wrong address, and so route to a wrong path. */
const BAD_HOSTS = ["a/b?c", "u@evil", "x#", "", "a b", "::1", "a:99999", "日本"];

describe.each(TARGETS)("operations on $name", (target) => {
  test("/healthz and /readyz answer, and what is not there is a problem", async () => {
    await using site = await startSite(target);
    const get = (path: string, init?: RequestInit) => fetch(`${site.server.url}${path}`, init);
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect((await answer.json()).server_time).toEqual(expect.any(Number));
    }
    const missing = await get("/nothing");
    expect(missing.status).toBe(404);
    expect(missing.headers.get("content-type")).toContain("application/problem+json");
    expect(await missing.json()).toMatchObject({ status: 404, code: "path_unknown" });
  });

  test("/readyz says 503 while the store cannot store, and 200 once it can; /healthz stays 200", async () => {
    await using site = await startSite(target);
    const get = (path: string) => fetch(`${site.server.url}${path}`);
    {
      using other = new DatabaseSync(site.workspace.file("data/posthorn.db"));
      other.exec("BEGIN IMMEDIATE");
      const refused = await get("/readyz");
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ status: 503, code: "store_failed" });
      expect((await get("/healthz")).status).toBe(200);
      expect(site.server.logged("http.unavailable")).toMatchObject([{ code: "store_failed" }]);
    }
    const again = await eventually(async () => {
      const answer = await get("/readyz");
      return answer.status === 200 ? answer : undefined;
    }, "a store that stores again");
    expect(await again.json()).toMatchObject({ status: "ready" });
    expect((await site.device.post({ type: "t", data: 1 })).results[0]?.offset).toBe(FIRST_OFFSET);
  });

  test("refuses a Host header that could confuse the routes", async () => {
    await using site = await startSite(target);
    for (const host of BAD_HOSTS) {
      using connection = await RawConnection.open(site.server.port);
      connection.write(rawRequest(["GET /healthz HTTP/1.1", `Host: ${host}`, "Connection: close"]));
      const answer = await connection.answer();
      expect([host, answer.status]).toEqual([host, 400]);
      expect(answer.body).not.toContain("node_modules");
    }
    expect((await fetch(`${site.server.url}/healthz`)).status).toBe(200);
  });

  test("logs one JSON line per step of a connection and of a post", async () => {
    await using site = await startSite(target);
    const token = signToken({ sub: "alice", devices: ["42"] });
    const socket = await FrameSocket.open(`${site.server.wsUrl}/login?token=${token}`);
    const joined = await site.server.waitForLog("client.connected");
    socket.send("hi");
    await site.server.waitForLog("client.message", ({ client }) => client === joined["client"]);
    await site.device.post([
      { id: "a", type: "t", data: 1 },
      { id: "a", type: "t", data: 1 },
      { type: "device.x", data: 1 },
    ]);
    const posted = await site.server.waitForLog("device.posted");
    expect(posted).toMatchObject({
      level: "info",
      device: "42",
      stored: 1,
      duplicates: 1,
      refused: 1,
    });
    socket.close(1000);
    const left = await site.server.waitForLog("client.disconnected");
    expect(left).toMatchObject({
      client: joined["client"],
      user: "alice",
      code: 1000,
      by: "client",
    });
    for (const line of site.server.logs.items) {
      expect(new Date(line.time).getTime()).toBeGreaterThan(0);
      expect(["debug", "info", "warn", "error"]).toContain(line.level);
    }
  });

  test("logs a refused device without its secret", async () => {
    await using site = await startSite(target);
    await site.device.postRaw("{}", { authorization: "Bearer canary-wrong-secret" });
    const line = await site.server.waitForLog("device.refused");
    expect(line).toMatchObject({ device: "42" });
    expect(site.server.output).not.toContain("canary-wrong-secret");
  });

  test("prints no secret and no token, whatever goes wrong, at the most talkative level", async () => {
    await using site = await startSite(target, { config: { log: { level: "debug" } } });
    const tokens = [
      signToken({ sub: "u", devices: ["42"] }),
      signToken({ sub: "u", exp: 1_000_000_000 }),
      signToken({ sub: "u" }, "another-secret-another-secret-another"),
      "canary.rubbish.token",
    ];
    for (const token of tokens) {
      using login = await FrameSocket.open(`${site.server.wsUrl}/login?token=${token}`);
      using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      login.send(`{"id":1,"refresh":{"token":"${token}"}}`);
      login.send(token);
      socket.send(token);
      login.close();
      socket.close();
      await Promise.all([login.end(), socket.end()]);
      await fetch(`${site.server.url}/login?token=${token}`);
      await fetch(`${site.server.url}/nothing?token=${token}&secret=${site.device.secret}`);
    }
    await site.device.postRaw("{nonsense");
    await site.device.post({ type: "t", data: 1 });
    const listed = await runCli(target, ["device", "list"], { workspace: site.workspace });
    expect(await site.server.stop()).toBe(0);
    for (const secret of [...tokens, site.device.secret, TOKEN_SECRET]) {
      expect(site.server.output).not.toContain(secret);
      expect(listed.stdout + listed.stderr).not.toContain(secret);
    }
    expect(site.server.logged("client.refused").length).toBeGreaterThan(0);
  });

  test("keeps a log line one line, whatever a path or a frame holds", async () => {
    await using site = await startSite(target, { config: { log: { level: "debug" } } });
    await fetch(`${site.server.url}/a%0d%0a{"event":"forged"}%1b[31m`);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/login`);
    socket.send('x\n{"event":"forged"}\u2028');
    await site.server.waitForLog("client.message");
    await site.server.stop();
    expect(site.server.logged("forged")).toEqual([]);
  });

  test("handles a plain post that arrives with Connection: upgrade, as the seed's nginx sends it", async () => {
    await using site = await startSite(target);
    using connection = await RawConnection.open(site.server.port);
    const body = '{"id":"a","type":"t","data":1}';
    connection.write(
      rawRequest(
        [
          "POST /v1/devices/42/events HTTP/1.1",
          "Host: test.ws.com",
          "Connection: upgrade",
          `Authorization: Bearer ${site.device.secret}`,
          `Content-Length: ${body.length}`,
        ],
        body,
      ),
    );
    expect((await connection.answer()).status).toBe(200);
  });
});
