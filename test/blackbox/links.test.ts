import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FrameSocket } from "../support/frame-socket.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** Together well within what one recovery may bring. */
const FLOOD_EVENTS_MAX = 100;
/** So many of these are more than the kernel's buffers and the server's queue can hold for a reader that has stopped. */
const FLOOD = "x".repeat(60_000);

describe.each(TARGETS)("a bad link to $name", (target) => {
  test("that stopped reading is cut off, hurts nobody, and recovers what it missed", async () => {
    await using site = await startSite(target);
    await using proxy = await TcpProxy.start(site.server.port);
    const query = `/login?token=${signToken({ sub: "u", devices: ["42"] })}`;
    using healthy = await FrameSocket.open(`${site.server.wsUrl}${query}`);
    await healthy.line(({ push }) => push?.connect !== undefined, "the connect push");
    using stalled = await FrameSocket.open(`ws://127.0.0.1:${proxy.port}${query}`);
    const hello = await stalled.line(({ push }) => push?.connect !== undefined, "the connect push");
    const start = parseLine(hello).push?.connect;

    proxy.stall("down");
    const gone = { yet: false };
    const isGone = site.server
      .waitForLog("client.disconnected", ({ client }) => client === start?.client)
      .then(() => {
        gone.yet = true;
      });
    let posted = 0;
    const post = async (type: string) => {
      const events = Array.from({ length: 10 }, () => ({ type, data: FLOOD }));
      const { results } = await site.device.post(events);
      posted = results.at(-1)?.offset ?? Number.NaN;
    };
    while (!gone.yet && posted < FLOOD_EVENTS_MAX) await post("flood");
    await isGone;
    await post("missed");
    await healthy.publication("device:42", posted);
    expect(site.server.logged("client.disconnected").length).toBe(1);

    proxy.resume("down");
    await stalled.end();
    const got = stalled.lines.items.map((line) => parseLine(line).push?.pub?.offset ?? 0);
    const last = Math.max(...got);
    expect(last).toBeLessThan(posted);
    const epoch = start?.subs?.["device:42"]?.epoch;
    using back = await FrameSocket.open(`${site.server.wsUrl}${query}&since=${epoch}:${last}`);
    const again = await back.line(({ push }) => push?.connect !== undefined, "the connect push");
    const missed = parseLine(again).push?.connect?.subs?.["device:42"]?.publications ?? [];
    expect([...got.filter((offset) => offset > 0), ...missed.map(({ offset }) => offset)]).toEqual(
      Array.from({ length: posted }, (_, index) => index + 1),
    );
  });

  test("that is half-open is found out although the server keeps sending", async () => {
    const limits = { ping_interval: "1s", pong_timeout: "500ms" };
    await using site = await startSite(target, { config: { limits } });
    await using proxy = await TcpProxy.start(site.server.port);
    const address = `ws://127.0.0.1:${proxy.port}/connection/websocket`;
    using socket = await FrameSocket.open(address, { pongs: true });
    const token = signToken({ sub: "lost", devices: ["42"] });
    await socket.command({ connect: { token } });
    await socket.command({ subscribe: { channel: "device:42" } });
    await socket.lines.find((line) => line === "{}", { what: "a ping" });

    proxy.stall("up");
    proxy.stall("down");
    const gone = site.server.waitForLog("client.disconnected", ({ user }) => user === "lost");
    const posting = postUntil(gone, () => site.device.post({ type: "t", data: 1 }));
    expect(await gone).toMatchObject({ code: 3012, by: "server" });
    await posting;
  });
});

describe.each(TARGETS.filter(({ nativePing }) => nativePing))("a dead link to $name", (target) => {
  test("of a client of /login that says nothing is found out by pings of the websocket", async () => {
    const limits = { ping_interval: "1s", pong_timeout: "500ms" };
    await using server = await startPosthorn(target, { config: { limits } });
    await using proxy = await TcpProxy.start(server.port);
    const query = (sub: string) => `/login?token=${signToken({ sub })}`;
    using healthy = await FrameSocket.open(`${server.wsUrl}${query("healthy")}`);
    await healthy.line(({ push }) => push?.connect !== undefined, "the connect push");
    using lost = await FrameSocket.open(`ws://127.0.0.1:${proxy.port}${query("lost")}`);
    await lost.line(({ push }) => push?.connect !== undefined, "the connect push");

    proxy.stall("up");
    proxy.stall("down");
    const gone = await server.waitForLog("client.disconnected");
    expect(gone).toMatchObject({ user: "lost", code: 3012, by: "server" });
    healthy.send("hi");
    await healthy.frames.find((frame) => frame === "reply", { what: "the reply" });
  });
});

/** Posts again and again until `end` comes. */
async function postUntil(end: Promise<unknown>, post: () => Promise<unknown>): Promise<void> {
  let ended = false;
  const noticed = end.finally(() => {
    ended = true;
  });
  while (!ended) await post();
  await noticed;
}
