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
