import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { handleDeviceSocket } from "../../../src/ws/device-socket.ts";
import { OpenConnections } from "../../../src/ws/open-connections.ts";
import { commandsWorld, KIOSK, pass, turns } from "../../support/commands-world.ts";
import { FakeSocket } from "../../support/fake-socket.ts";

async function opened({ nativePing = true, world = commandsWorld() } = {}) {
  const connections = new OpenConnections();
  const socket = new FakeSocket();
  const limits = { drainSpreadMs: 10_000 };
  const handler = handleDeviceSocket(
    { admission: world.admit(KIOSK), remoteAddress: socket.remoteAddress },
    { ...world, connections, nativePing, limits },
  );
  handler.open(socket);
  await turns();
  /** Says something, and hears what comes of it. */
  const say = async (frame: unknown) => {
    socket.frames.length = 0;
    handler.message(typeof frame === "string" ? frame : JSON.stringify(frame));
    await turns();
    return socket.replies;
  };
  return { ...world, socket, handler, connections, say };
}

describe("a device's websocket", () => {
  test("brings commands, their data as it was sent", async () => {
    const { send, socket } = await opened();
    const { id, expiresAtMs } = await send({ data: '{"n":1.0}' });
    await turns();
    expect(socket.frames).toEqual([
      `{"command":{"id":"${id}","type":"open","data":{"n":1.0},"attempt":1,"expires_at":${expiresAtMs}}}`,
    ]);
  });

  test("brings what the device is to change about itself", async () => {
    const { desire, socket } = await opened();
    desire('{"v":1.0}', 2);
    await turns();
    expect(socket.frames).toEqual(['{"state":{"delta":{"v":1.0},"desired_version":2}}']);
  });

  test("hears acknowledgements and results, and says that they are stored", async () => {
    const { send, say, queue } = await opened();
    const { id } = await send();
    await turns();
    expect(await say({ ref: 1, ack: id })).toEqual([{ ref: 1, ok: true }]);
    expect(queue.records.get(id)?.status).toBe("acked");
    const result = `{"ref":2,"result":{"command":"${id}","ok":true,"data":{"b":1.0,"a":2}}}`;
    expect(await say(result)).toEqual([{ ref: 2, ok: true }]);
    expect(queue.records.get(id)?.result).toBe('{"ok":true,"data":{"b":1.0,"a":2}}');
  });

  test("hears a result whose data weighs as much as it may", async () => {
    const { send, say, queue, socket } = await opened();
    const { id } = await send();
    await turns();
    const data = JSON.stringify("é".repeat(LIMITS.eventMaxBytes / 2 - 1));
    const result = (text: string) =>
      `{"ref":1,"result":{"command":"${id}","ok":true,"data":${text}}}`;
    const answer = await say(result(`${data.slice(0, -1)}x"`));
    expect(answer).toMatchObject([{ ref: 1, error: { code: "result_invalid" } }]);
    expect(await say(result(data))).toEqual([{ ref: 1, ok: true }]);
    expect(queue.records.get(id)?.status).toBe("done");
    expect(socket.closed).toBeUndefined();
  });

  test("is closed with 1009 by a frame that weighs more than any may", async () => {
    const { say, socket } = await opened();
    const frame = JSON.stringify({
      ref: 1,
      ack: "a",
      more: "é".repeat(LIMITS.deviceFrameMaxBytes / 2),
    });
    expect(await say(frame)).toEqual([]);
    expect(socket.closed).toMatchObject({ code: 1009 });
  });

  test("hears how a command failed", async () => {
    const { send, say, queue } = await opened();
    const { id } = await send();
    await turns();
    const error = { code: "jam", message: "stuck" };
    await say({ ref: 0, result: { command: id, ok: false, error } });
    expect(queue.records.get(id)).toMatchObject({ status: "failed" });
    expect(JSON.parse(queue.records.get(id)?.result ?? "")).toEqual({ ok: false, error });
  });

  test.each([
    ["command_unknown", { ref: 7, ack: "nothing" }],
    ["command_unknown", { ref: 7, ack: "!" }],
    ["frame_malformed", { ref: 7, ack: "a", more: 1 }],
    ["frame_malformed", { ref: 7 }],
    ["frame_malformed", { ref: 7, result: { command: "a", ok: false } }],
    ["frame_malformed", { ref: 7, ack: "a", result: { command: "a", ok: true } }],
  ])("answers with %s, and lives on", async (code, frame) => {
    const { say, socket } = await opened();
    expect(await say(frame)).toMatchObject([{ ref: 7, error: { code } }]);
    expect(socket.closed).toBeUndefined();
  });

  test.each([
    ["is no JSON", "nonsense"],
    ["is no object", "[1]"],
    ["has nothing to answer to", '{"ack":"a"}'],
    ["has an unusable ref", '{"ref":"x","ack":"a"}'],
  ])("ends when a frame %s", async (_, frame) => {
    const { say, socket } = await opened();
    await say(frame);
    expect(socket.closed).toEqual({ code: 3501, reason: "bad request" });
  });

  test("ends when a frame is binary", async () => {
    const { handler, socket } = await opened();
    handler.message(undefined);
    expect(socket.closed?.code).toBe(3506);
  });

  test("ends when it is told more than can be worked on at a time", async () => {
    const { handler, socket, send } = await opened();
    const { id } = await send();
    await turns();
    for (let ref = 0; ref <= LIMITS.deviceFramesAtATime; ref += 1) {
      handler.message(JSON.stringify({ ref, ack: id }));
    }
    expect(socket.closed?.code).toBe(3013);
  });

  test("ends when its peer does not take what it is sent", async () => {
    const { send, socket } = await opened();
    socket.buffered = LIMITS.deviceQueueMaxBytes + 1;
    await send();
    await turns();
    expect(socket.closed?.code).toBe(3008);
    expect(socket.frames).toEqual([]);
  });

  test("ends when a frame was dropped", async () => {
    const { send, socket } = await opened();
    socket.sendResult = "dropped";
    await send();
    await turns();
    expect(socket.closed?.code).toBe(3008);
  });

  test("is pinged, and ends when nothing comes back in time", async () => {
    const { clock, socket, handler } = await opened();
    clock.advance(LIMITS.pingIntervalMs);
    expect(socket.pings).toBe(1);
    handler.pong();
    clock.advance(LIMITS.pingIntervalMs);
    handler.message('{"ref":1}');
    clock.advance(LIMITS.pingIntervalMs + LIMITS.pongTimeoutMs - 1);
    expect(socket.closed).toBeUndefined();
    clock.advance(1);
    expect(socket.closed).toEqual({ code: 3012, reason: "no pong" });
    clock.advance(LIMITS.closeGraceMs);
    expect(socket.isTerminated).toBe(true);
  });

  test("is not pinged where the runtime cannot, but has to come again after a while", async () => {
    const { clock, socket } = await opened({ nativePing: false });
    clock.advance(10 * LIMITS.pingIntervalMs);
    expect([socket.pings, socket.closed]).toEqual([0, undefined]);
    clock.advance(1.2 * LIMITS.deviceStreamMs - 10 * LIMITS.pingIntervalMs);
    expect(socket.closed?.code).toBe(4002);
    expect(JSON.parse(socket.closed?.reason ?? "")).toMatchObject({
      reconnect: true,
      retry_after_ms: LIMITS.deviceStreamRetryMs,
    });
  });

  test("is sent away when the server drains, to come again in its own time", async () => {
    const { releaseAll, socket } = await opened();
    releaseAll();
    await turns();
    expect(socket.closed?.code).toBe(4002);
    expect(JSON.parse(socket.closed?.reason ?? "")).toMatchObject({ retry_after_ms: 5000 });
  });

  test("ends when its device may not be here any more", async () => {
    const { receivers, socket } = await opened();
    receivers.dismiss(KIOSK);
    expect(socket.closed?.code).toBe(3503);
  });

  test("counts the device as online until it is closed, and leaves nothing behind", async () => {
    const { presence, handler, connections, clock, log, send, queue } = await opened();
    expect(presence.holds).toBe(1);
    clock.advance(LIMITS.pingIntervalMs);
    handler.close(1006, "");
    await turns();
    await connections.allClosed();
    // Only the ticks of the queue are left.
    expect([presence.holds, clock.pending]).toEqual([0, 1]);
    const { id } = await send();
    await turns();
    expect(queue.records.get(id)?.status).toBe("queued");
    expect(log.of("device.disconnected")).toMatchObject([{ device: KIOSK, code: 1006 }]);
  });

  test("ends when too many newer ones of the device are open, and stays away", async () => {
    const world = commandsWorld();
    const { socket, presence } = await opened({ world });
    for (let open = 1; open < LIMITS.commandWaitersPerDevice; open += 1) await opened({ world });
    expect(socket.closed).toBeUndefined();
    await opened({ world });
    expect(socket.closed).toEqual({ code: 4500, reason: "replaced" });
    expect(presence.holds).toBe(LIMITS.commandWaitersPerDevice);
  });

  test("ends when nothing of what it was sent was answered in time, to come again", async () => {
    const { send, socket, clock, presence, handler } = await opened();
    await send();
    await turns();
    clock.advance(LIMITS.pingIntervalMs);
    handler.pong();
    await pass({ clock }, LIMITS.commandLeaseMs - LIMITS.pingIntervalMs);
    expect(socket.closed).toEqual({ code: 3012, reason: "commands unanswered" });
    expect([socket.frames.length, presence.holds]).toEqual([1, 0]);
  });

  test("that is ending is offered nothing any more, and holds nothing", async () => {
    const { handler, send, queue, presence } = await opened();
    handler.message(undefined);
    const { id } = await send();
    await turns();
    expect([queue.records.get(id)?.status, presence.holds]).toEqual(["queued", 0]);
  });

  test("ends when a bug shows, which is logged and not told", async () => {
    const { say, queue, log, socket } = await opened();
    queue.failure = new Error("canary");
    expect(await say({ ref: 1, ack: "a" })).toEqual([]);
    expect(socket.closed?.code).toBe(3004);
    expect(log.of("task.failed")).toMatchObject([{ stage: "device.frame" }]);
  });
});
