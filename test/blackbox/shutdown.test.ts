import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("SIGTERM on $name", (target) => {
  test("closes every client with 4002 and its own time to return, and exits 0", async () => {
    await using site = await startSite(target, { config: { limits: { drain_spread: "60s" } } });
    const token = signToken({ sub: "u", devices: ["42"] });
    const sockets = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? FrameSocket.open(`${site.server.wsUrl}/login?token=${token}`)
          : connectByCommand(site.server.wsUrl, token),
      ),
    );
    const code = await site.server.stop();
    const closes = await Promise.all(sockets.map((socket) => socket.end()));
    expect(closes.map((close) => close.code)).toEqual(Array.from({ length: 20 }, () => 4002));
    const delays = closes.map(({ reason }) => JSON.parse(reason)["retry_after_ms"]);
    for (const delay of delays) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(60_000);
    }
    expect(new Set(delays).size).toBeGreaterThan(10); // jittered: they do not all come at once
    expect(code).toBe(0);
    expect(site.server.logged("server.draining").length).toBe(1);
    expect(site.server.logged("server.stopped").length).toBe(1);
  });

  test("finishes a post in flight, stores it, and takes no new one", async () => {
    await using site = await startSite(target);
    const body = JSON.stringify({ id: "late", type: "t", data: 1 });
    using inFlight = await RawConnection.open(site.server.port);
    inFlight.write(
      rawRequest(
        [
          "POST /v1/devices/42/events HTTP/1.1",
          "Host: 127.0.0.1",
          `Authorization: Bearer ${site.device.secret}`,
          `Content-Length: ${body.length}`,
          "Connection: close",
        ],
        body.slice(0, 5),
      ),
    );
    // Another post, made later and answered, shows that the first one has been taken up.
    await site.device.post({ id: "early", type: "t", data: 1 });
    site.server.terminate();
    await site.server.waitForLog("server.draining");
    const refused = site.device.post({ id: "refused", type: "t", data: 1 });
    // A kept-alive connection may still carry the post to the server, which then says 503.
    expect(await refused.then(({ status }) => status).catch(() => "no connection")).toBeOneOf([
      503,
      "no connection",
    ]);
    inFlight.write(body.slice(5));
    const answer = await inFlight.answer();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body).results).toEqual([{ id: "late", offset: FIRST_OFFSET + 1 }]);
    expect(await site.server.exited()).toBe(0);
  });

  test("does not wait for a sender that never finishes", async () => {
    await using site = await startSite(target, { config: { limits: { drain_timeout: "300ms" } } });
    using stuck = await RawConnection.open(site.server.port);
    const head = ["POST /v1/devices/42/events HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 100"];
    stuck.write(rawRequest([...head, `Authorization: Bearer ${site.device.secret}`], "{"));
    await site.device.post({ type: "t", data: 1 });
    expect(await site.server.stop()).toBe(0);
  });

  test("sends thousands of clients away at a pace, while posts in flight finish", async () => {
    const limits = {
      connections_per_address_per_second: 0,
      drain_pace: 1000,
      drain_spread: "3s",
      drain_timeout: "20s",
    };
    await using site = await startSite(target, { config: { limits } });
    const { server, device } = site;
    const token = signToken({ sub: "u", devices: ["42"] });
    const sockets: FrameSocket[] = [];
    for (let count = 0; count < 2_000; count += 100) {
      const more = Array.from({ length: 100 }, () =>
        FrameSocket.open(`${server.wsUrl}/login?token=${token}`, { pongs: true }),
      );
      sockets.push(...(await Promise.all(more)));
    }
    using inFlight = await RawConnection.open(server.port);
    const body = JSON.stringify({ id: "late", type: "t", data: 1 });
    const head = ["POST /v1/devices/42/events HTTP/1.1", "Host: localhost", "Connection: close"];
    const secret = `Authorization: Bearer ${device.secret}`;
    inFlight.write(
      rawRequest([...head, secret, `Content-Length: ${body.length}`], body.slice(0, 5)),
    );
    await device.post({ type: "t", data: 1 });

    const startedMs = performance.now();
    const closes = sockets.map(async (socket) => {
      const { code, reason } = await socket.end();
      const atMs = performance.now() - startedMs;
      return { code, atMs, backMs: atMs + JSON.parse(reason)["retry_after_ms"] };
    });
    server.terminate();
    await Promise.race(closes);
    inFlight.write(body.slice(5));
    expect((await inFlight.answer()).status).toBe(200);
    const all = await Promise.all(closes);
    expect(await server.exited()).toBe(0);
    expect(new Set(all.map(({ code }) => code))).toEqual(new Set([4002]));
    // Two thousand at a thousand a second: half of them stay for a second, and none comes back before the end.
    expect(all.filter(({ atMs }) => atMs > 900).length).toBeGreaterThan(900);
    expect(all.filter(({ backMs }) => backMs < 1_800)).toEqual([]);
    const inEachSecond = [2, 3, 4].map(
      (second) => all.filter(({ backMs }) => Math.floor(backMs / 1000) === second).length,
    );
    for (const count of inEachSecond) expect(count).toBeGreaterThan(300);
    expect(server.logged("server.stopped")).toMatchObject([{ finished: true }]);
  });

  test("ends at once when it is asked again", async () => {
    await using site = await startSite(target, { config: { limits: { drain_timeout: "10m" } } });
    using stuck = await RawConnection.open(site.server.port);
    const head = ["POST /v1/devices/42/events HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 100"];
    stuck.write(rawRequest([...head, `Authorization: Bearer ${site.device.secret}`], "{"));
    await site.device.post({ type: "t", data: 1 });
    site.server.terminate();
    await site.server.waitForLog("server.draining");
    expect(await site.server.stop()).toBe(0);
    expect(site.server.logged("server.stopped")).toMatchObject([{ finished: false }]);
  });

  test("has a twin in SIGINT", async () => {
    await using site = await startSite(target);
    process.kill(site.server.pid, "SIGINT");
    expect(await site.server.exited()).toBe(0);
  });
});

async function connectByCommand(wsUrl: string, token: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${wsUrl}/connection/websocket`);
  await socket.command({ connect: { token } });
  return socket;
}
