import { describe, expect, test } from "bun:test";
import type { CommandRecord } from "../../../../src/core/command.ts";
import { parseDeviceId } from "../../../../src/core/device-id.ts";
import { Fault } from "../../../../src/core/faults.ts";
import { LIMITS } from "../../../../src/core/limits.ts";
import {
  connected,
  type GatewayWorld,
  gatewayWorld,
  send,
  settled,
} from "../../../support/gateway-world.ts";

const NOW = Date.UTC(2026, 0, 1);
const SENT = `{"id":"c1","device":"42","type":"lamp.on","status":"queued","attempt":0,"priority":0,"sender":{"kind":"user","user":"anna"},"created_at":${NOW},"expires_at":${NOW + LIMITS.commandTtlMs},"data":{"n":1.0}}`;

/** Calls a method; `data` is JSON text. */
async function calling(it: GatewayWorld, token: string, [method, data]: readonly [string, string]) {
  const link = await connected(it, token);
  link.handler.message(`{"id":2,"rpc":{"method":"${method}","data":${data}}}`);
  await settled();
  return { ...link, answer: link.socket.frames[1] };
}

function refused(code: number, message: unknown): object {
  return { id: 2, error: { code, message } };
}

describe("command.send", () => {
  test("sends what a token lets the client send, and answers with the command byte for byte", async () => {
    const it = gatewayWorld();
    const data = '{"device":"42","type":"lamp.on","data":{"n":1.0}}';
    const { answer } = await calling(it, "commander", ["command.send", data]);
    expect(answer).toBe(`{"id":2,"rpc":{"data":${SENT}}}`);
    expect(it.commands.sent).toMatchObject([
      { waitMs: 0, request: { sender: { kind: "user", user: "anna" } } },
    ]);
  });

  test("hands on when it ends, its key and how urgent it is", async () => {
    const it = gatewayWorld();
    const data = '{"device":"42","type":"lamp.on","ttl":60,"key":"k","priority":3}';
    await calling(it, "commander", ["command.send", data]);
    expect(it.commands.sent[0]?.request).toMatchObject({ ttlMs: 60_000, key: "k", priority: 3 });
  });

  test("sends what a binding lets the user send", async () => {
    const it = gatewayWorld();
    await it.bindings.bind("bob", parseDeviceId("7"), ["ping"]);
    const data = '{"device":"7","type":"ping"}';
    await calling(it, "bob", ["command.send", data]);
    expect(it.commands.sent).toHaveLength(1);
    const { socket } = await calling(it, "bob", ["command.send", data.replace("ping", "pong")]);
    expect(socket.replies[1]).toMatchObject({ error: { code: 103 } });
  });

  test("sends anything for nobody in particular in development", async () => {
    const it = gatewayWorld({ unrestricted: true });
    await calling(it, "", ["command.send", '{"device":"9","type":"x"}']);
    expect(it.commands.sent[0]?.request.sender).toEqual({ kind: "user", user: "" });
  });

  test.each([
    ["good", "42", "lamp.on"],
    ["commander", "42", "door.open"],
    ["commander", "43", "lamp.on"],
    ["anonymous", "42", "lamp.on"],
  ])("is refused with 103 for the token %s, device %s and type %s", async (...call) => {
    const [token, device, type] = call;
    const it = gatewayWorld();
    const data = JSON.stringify({ device, type });
    const { socket } = await calling(it, token, ["command.send", data]);
    expect(socket.replies[1]).toEqual(
      refused(
        103,
        `Cannot send command: nothing lets this client send "${type}" to device "${device}"`,
      ),
    );
    expect(it.commands.sent).toEqual([]);
  });

  test.each([
    ['{"device":"42"}', 107, expect.stringContaining("Cannot call method: type: ")],
    ['{"device":"../x","type":"a"}', 107, expect.stringContaining("Cannot parse device id")],
    ["null", 107, expect.stringContaining("the whole: ")],
  ])("names what is wrong with %s", async (data, code, message) => {
    const { socket } = await calling(gatewayWorld(), "commander", ["command.send", data]);
    expect(socket.replies[1]).toEqual(refused(code, message));
  });

  test.each([
    ["device_unknown", { code: 404, message: "Cannot find device: x" }],
    ["command_key_taken", { code: 409, message: "Cannot queue command: x" }],
    ["command_queue_full", { code: 111, message: "Cannot queue command: x", temporary: true }],
    ["store_failed", { code: 100, message: "internal server error", temporary: true }],
  ] as const)("answers %s with %j", async (code, error) => {
    const it = gatewayWorld();
    it.commands.failure = new Fault(code, { detail: "x" });
    const data = '{"device":"42","type":"lamp.on"}';
    const { socket } = await calling(it, "commander", ["command.send", data]);
    expect(socket.replies[1]).toEqual({ id: 2, error });
  });

  test("says nothing of a bug but logs it", async () => {
    const it = gatewayWorld();
    it.commands.failure = new Error("canary");
    const data = '{"device":"42","type":"lamp.on","wait":5}';
    const { answer } = await calling(it, "commander", ["command.send", data]);
    expect(answer).toBe(
      '{"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}',
    );
    expect(it.log.of("ws.bug")).toHaveLength(1);
  });
});

describe("command.send with wait", () => {
  const WAITING = { device: "42", type: "lamp.on", wait: 5 };

  async function waiting(count = 1) {
    const it = gatewayWorld({ limits: { commandsBurst: 1000 } });
    const link = await connected(it, "commander");
    const calls = Array.from({ length: count }, (_, n) => ({
      id: n + 2,
      rpc: { method: "command.send", data: WAITING },
    }));
    await send(link.handler, ...calls);
    // They begin one after the other.
    for (let begun = 0; begun < count; begun += 1) await settled();
    return { it, ...link };
  }

  test("answers when the command ended, and other commands before", async () => {
    const { it, socket, handler } = await waiting();
    await send(handler, { id: 9, unsubscribe: { channel: "news:1" } });
    expect(socket.replies.slice(1)).toEqual([{ id: 9, unsubscribe: {} }]);
    const [call] = it.commands.waiting;
    call?.end({ ...call.record, status: "done", result: '{"ok":true}' } as CommandRecord);
    await settled();
    expect(it.commands.sent[0]?.waitMs).toBe(5_000);
    expect(socket.replies[2]).toMatchObject({
      id: 2,
      rpc: { data: { id: "c1", status: "done", result: { ok: true } } },
    });
  });

  test("begins calls in the order in which they came", async () => {
    const { it } = await waiting(3);
    expect(it.commands.waiting.map(({ record }) => String(record.id))).toEqual(["c1", "c2", "c3"]);
  });

  test("is refused with 111 when as many wait as may, and works again when one is over", async () => {
    const max = LIMITS.rpcWaitsPerClient;
    const { it, socket, handler } = await waiting(max + 1);
    expect(it.commands.waiting).toHaveLength(max);
    expect(socket.replies.slice(1)).toMatchObject([
      { id: max + 2, error: { code: 111, temporary: true } },
    ]);
    const [call] = it.commands.waiting;
    if (call !== undefined) call.end(call.record);
    await settled();
    await send(handler, { id: 99, rpc: { method: "command.send", data: WAITING } });
    expect(it.commands.waiting).toHaveLength(max + 1);
  });

  test("waits no longer for a client that is gone, and says nothing to it", async () => {
    const { it, socket, handler } = await waiting(2);
    const frames = socket.frames.length;
    handler.close(1006, "");
    expect(it.commands.waiting.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    await settled();
    expect(socket.frames).toHaveLength(frames);
    expect(it.log.of("ws.bug")).toEqual([]);
  });
});

describe("command.get", () => {
  async function getting(token: string, data: object) {
    const it = gatewayWorld();
    await calling(it, "commander", [
      "command.send",
      '{"device":"42","type":"lamp.on","data":{"n":1.0}}',
    ]);
    await calling(it, "commander", ["command.send", '{"device":"unseen","type":"x"}']);
    const foreign = { device: parseDeviceId("unseen"), type: "x", data: "1" };
    const sender = { kind: "backend" } as const;
    await it.commands.send({ ...foreign, sender }, 0, new AbortController().signal);
    await calling(it, "commander", ["command.send", '{"device":"42","type":"lamp.on","key":"k"}']);
    await calling(it, "commander", ["command.send", '{"device":"unseen","type":"x","key":"k"}']);
    return { it, ...(await calling(it, token, ["command.get", JSON.stringify(data)])) };
  }

  test("tells of a command of a device that the client sees", async () => {
    const { answer } = await getting("good", { device: "42", id: "c1" });
    expect(answer).toBe(`{"id":2,"rpc":{"data":${SENT}}}`);
  });

  test("tells of its own command to a device that it does not see, and of no other", async () => {
    const { answer } = await getting("commander", { device: "unseen", id: "c2" });
    expect(answer).toContain('"rpc":{"data":{"id":"c2"');
    const { socket } = await getting("commander", { device: "unseen", id: "c3" });
    expect(socket.replies[1]).toMatchObject({ error: { code: 103 } });
  });

  test("finds what its user sent under a key, also to a device that it does not see", async () => {
    for (const [device, id] of [
      ["42", "c4"],
      ["unseen", "c5"],
    ]) {
      const { answer } = await getting("commander", { device, key: "k" });
      expect(answer).toContain(`"rpc":{"data":{"id":"${id}"`);
      expect(answer).toContain('"key":"k"');
    }
  });

  test("finds what a client without a user's name sent under a key", async () => {
    const it = gatewayWorld({ unrestricted: true });
    await calling(it, "", ["command.send", '{"device":"9","type":"x","key":"k"}']);
    const { answer } = await calling(it, "", ["command.get", '{"device":"9","key":"k"}']);
    expect(answer).toContain('"key":"k"');
  });

  test("sends nothing, whatever the key", async () => {
    const { it, socket } = await getting("commander", { device: "42", key: "other" });
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code: 404 } });
    expect(it.commands.sent).toHaveLength(5);
  });

  test("finds nothing under another user's key, and does not tell it", async () => {
    const { socket } = await getting("anonymous", { device: "42", key: "k" });
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code: 404 } });
    const { answer } = await getting("anonymous", { device: "42", id: "c4" });
    expect(answer).toContain('"rpc":{"data":{"id":"c4"');
    expect(answer).not.toContain('"key"');
  });

  test.each([
    ["bob", { device: "42", id: "c1" }, 103],
    ["bob", { device: "42", key: "k" }, 103],
    ["bob", { device: "42", id: "nothing" }, 103],
    ["good", { device: "42", id: "nothing" }, 404],
    ["good", { device: "42", id: "?" }, 404],
    ["good", { device: "42" }, 107],
  ])("answers %s and %j with %d", async (token, data, code) => {
    const { socket } = await getting(token, data);
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code } });
  });
});
