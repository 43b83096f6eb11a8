import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { commandRoutes, read, SECRET } from "../../support/command-routes.ts";
import { KIOSK, turns } from "../../support/commands-world.ts";

const STREAM = "kiosk/commands/stream";
const DRAIN_SOON = 'event: drain\nretry: 1000\ndata: {"retry_after_ms":1000}\n\n';
const decoder = new TextDecoder();

/** An open stream whose device takes a chunk when the test says so. */
async function openStream() {
  const routes = commandRoutes();
  const answer = await routes.ask(STREAM, { headers: SECRET });
  const reader = answer.body?.getReader();
  if (reader === undefined) throw new Error("Cannot read the stream: there is none");
  /** Chunks that came, and "end". */
  const chunks: string[] = [];
  const take = async () => {
    const { done, value } = await reader.read();
    chunks.push(done ? "end" : decoder.decode(value));
  };
  /** Takes whatever comes from now on, as a device does that keeps up. */
  const keepUp = async () => {
    while (chunks.at(-1) !== "end") await take();
  };
  return { ...routes, answer, reader, chunks, take, keepUp };
}

describe("GET /v1/devices/{id}/commands/stream", () => {
  test("says what it is, to proxies too", async () => {
    const { answer, reader } = await openStream();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(answer.headers.get("x-accel-buffering")).toBe("no");
    expect(answer.headers.get("cache-control")).toContain("no-store");
    await reader.cancel();
  });

  test("brings commands as events that have their ids", async () => {
    const { send, keepUp, chunks, reader } = await openStream();
    void keepUp();
    await turns();
    const { id, expiresAtMs } = await send({ data: '{"n":1.0}' });
    await turns(60);
    expect(chunks).toEqual([
      "\n",
      `event: command\nid: ${id}\ndata: {"id":"${id}","type":"open","data":{"n":1.0},"attempt":1,"expires_at":${expiresAtMs}}\n\n`,
    ]);
    await reader.cancel();
  });

  test("brings what the device is to change about itself", async () => {
    const { desire, keepUp, chunks, reader } = await openStream();
    void keepUp();
    await turns();
    desire('{"v":1.0}', 2);
    await turns(60);
    expect(chunks.slice(1)).toEqual([
      'event: state\ndata: {"delta":{"v":1.0},"desired_version":2}\n\n',
    ]);
    await reader.cancel();
  });

  test("leases nothing for a device that takes nothing", async () => {
    const { send, take, chunks, queue, reader } = await openStream();
    const { id } = await send();
    await turns(60);
    // Not even the beginning was taken.
    expect(queue.records.get(id)?.status).toBe("queued");
    await take();
    const next = take();
    await next;
    expect(chunks[1]).toContain(id);
    expect(queue.records.get(id)?.status).toBe("leased");
    await reader.cancel();
  });

  test("brings the next commands only when those before were answered", async () => {
    const { send, keepUp, chunks, receiving, reader } = await openStream();
    void keepUp();
    await turns();
    const first = await send();
    await turns(60);
    const second = await send();
    await turns(60);
    expect(chunks).toHaveLength(2);
    await receiving.ack(KIOSK, first.id);
    await turns(60);
    const told = chunks.filter((chunk) => chunk.startsWith("event"));
    expect(told.map((chunk) => /id: (\S+)/.exec(chunk)?.[1])).toEqual([first.id, second.id]);
    await reader.cancel();
  });

  test("ends when nothing of what it brought was answered in time, to come again at once", async () => {
    const { send, keepUp, chunks, clock, presence, log } = await openStream();
    const over = keepUp();
    await turns();
    await send();
    await turns(60);
    clock.advance(LIMITS.commandLeaseMs);
    await turns(60);
    clock.advance(LIMITS.commandTickMs);
    await over;
    expect(chunks.slice(-2)).toEqual([DRAIN_SOON, "end"]);
    expect(presence.holds).toBe(0);
    expect(log.of("device.disconnected")).toMatchObject([{ why: "unanswered" }]);
  });

  test("does not bring later what its device did not take in time", async () => {
    const { send, take, chunks, clock } = await openStream();
    const { id } = await send();
    await send();
    await take();
    await take();
    clock.advance(LIMITS.commandLeaseMs);
    await turns(60);
    clock.advance(LIMITS.commandTickMs);
    await turns(60);
    await take();
    await take();
    expect(chunks[1]).toContain(id);
    expect(chunks.slice(2)).toEqual([DRAIN_SOON, "end"]);
  });

  test("ends after some minutes although all is well, since nothing else shows that it is", async () => {
    const { keepUp, chunks, clock, presence } = await openStream();
    const over = keepUp();
    await turns();
    // Chance is a half in tests.
    const lifeMs = 1.1 * LIMITS.deviceStreamMs;
    for (let age = 0; age < lifeMs - 1_000; age += 1_000) {
      clock.advance(1_000);
      await turns();
    }
    expect(presence.holds).toBe(1);
    clock.advance(1_000);
    expect(presence.holds).toBe(0);
    await over;
    expect(chunks.filter((chunk) => chunk !== ":\n\n")).toEqual(["\n", DRAIN_SOON, "end"]);
  });

  test("of a peer that is silently gone ends after some minutes, too", async () => {
    const { clock, presence, connections } = await openStream();
    await turns();
    clock.advance(1.1 * LIMITS.deviceStreamMs + LIMITS.closeGraceMs);
    await connections.allClosed();
    expect([presence.holds, clock.pending]).toEqual([0, 1]);
  });

  test("says every 15 s that it lives, but not to a device that takes nothing", async () => {
    const { take, clock, chunks, reader } = await openStream();
    await take();
    clock.advance(10 * LIMITS.streamCommentMs);
    const taking = take();
    await turns();
    expect(chunks).toHaveLength(1);
    clock.advance(LIMITS.streamCommentMs);
    await taking;
    expect(chunks[1]).toBe(":\n\n");
    await reader.cancel();
  });

  test("counts the device as online until it is gone, and leaves no waiter and no timer", async () => {
    const { presence, connections, clock, log, reader, queue, send } = await openStream();
    expect(presence.holds).toBe(1);
    await turns();
    await reader.cancel();
    await turns();
    expect(presence.holds).toBe(0);
    await connections.allClosed();
    // Only the ticks of the queue are left.
    expect(clock.pending).toBe(1);
    const { id } = await send();
    await turns();
    expect(queue.records.get(id)?.status).toBe("queued");
    expect(log.of("device.connected")).toHaveLength(1);
    expect(log.of("device.disconnected")).toHaveLength(1);
  });

  test("ends when the server drains, and says when to come again", async () => {
    const { keepUp, releaseAll, chunks, connections, closings, presence } = await openStream();
    const over = keepUp();
    await turns();
    releaseAll();
    await over;
    expect(chunks.slice(1)).toEqual([
      'event: drain\nretry: 5000\ndata: {"retry_after_ms":5000}\n\n',
      "end",
    ]);
    await connections.allClosed();
    expect([closings(), presence.holds]).toEqual([1, 0]);
  });

  test("ends a drained stream that takes nothing after a moment", async () => {
    const { releaseAll, clock, connections } = await openStream();
    await turns();
    releaseAll();
    await turns();
    clock.advance(LIMITS.closeGraceMs);
    await connections.allClosed();
    expect(clock.pending).toBe(1);
  });

  test("ends when its device may not be here any more", async () => {
    const { keepUp, receivers, chunks } = await openStream();
    const over = keepUp();
    await turns();
    receivers.dismiss(KIOSK);
    await over;
    expect(chunks).toEqual(["\n", "end"]);
  });

  test("ends when too many newer ones of the device are open, and says so", async () => {
    const { ask, keepUp, chunks } = await openStream();
    const over = keepUp();
    for (let open = 0; open < LIMITS.commandWaitersPerDevice; open += 1) {
      expect(chunks).not.toContain("end");
      expect((await ask(STREAM, { headers: SECRET })).status).toBe(200);
    }
    await over;
    expect(chunks.slice(1)).toEqual(["event: replaced\ndata: {}\n\n", "end"]);
  });

  test("needs the device's secret, and is not for HEAD", async () => {
    const { ask } = commandRoutes();
    expect((await read(ask(STREAM))).body.code).toBe("secret_missing");
    expect((await ask(STREAM, { method: "HEAD", headers: SECRET })).status).toBe(405);
  });
});

describe("GET /v1/devices/{id}/commands/stream as a websocket", () => {
  const upgrade = { ...SECRET, upgrade: "websocket", connection: "upgrade" };

  test("switches once the secret proved who asks", async () => {
    const { ask, handlers } = commandRoutes();
    await ask(STREAM, { headers: upgrade });
    expect(handlers).toHaveLength(1);
  });

  test("is refused as any other request without the secret", async () => {
    const { ask, handlers } = commandRoutes();
    const headers = { ...upgrade, authorization: "Bearer wrong" };
    const { status, body } = await read(ask(STREAM, { headers }));
    expect([status, body.code]).toEqual([401, "secret_wrong"]);
    expect(handlers).toEqual([]);
  });

  test("is refused where the runtime does not switch", async () => {
    const { ask } = commandRoutes({ upgrades: false });
    const { status, body } = await read(ask(STREAM, { headers: upgrade }));
    expect([status, body.code]).toEqual([400, "handshake_refused"]);
  });
});
