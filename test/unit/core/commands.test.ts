import { describe, expect, test } from "bun:test";
import type { CommandId } from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { commandsWorld, KIOSK, turns } from "../../support/commands-world.ts";

const WAIT_MS = 20_000;

async function codeOf(work: Promise<unknown>): Promise<string> {
  const outcome = await work.then(
    () => "nothing",
    (error: unknown) => error,
  );
  return outcome instanceof Fault ? outcome.code : String(outcome);
}

describe("send()", () => {
  test("queues the command and says that the queue grew", async () => {
    const { send, queue, grown } = commandsWorld();
    const { id, status, attempt } = await send();
    expect([status, attempt]).toEqual(["queued", 0]);
    expect(queue.records.get(id)?.data).toBe("1.0");
    expect(grown).toEqual([KIOSK]);
  });

  test("wakes whoever waits for the device's commands", async () => {
    const { send, fetch } = commandsWorld();
    const poll = fetch(WAIT_MS);
    await turns();
    const { id } = await send();
    expect((await poll).commands.map((it) => it.id)).toEqual([id]);
  });

  test("refuses a device that is not on record", async () => {
    const { send, queue } = commandsWorld();
    expect(await codeOf(send({ device: parseDeviceId("nobody") }))).toBe("device_unknown");
    expect(queue.records.size).toBe(0);
  });

  test("waits for nothing of a device that is not on record", async () => {
    const { send, clock } = commandsWorld();
    const timers = clock.pending;
    expect(await codeOf(send({ device: parseDeviceId("nobody") }, WAIT_MS))).toBe("device_unknown");
    expect(clock.pending).toBe(timers);
  });

  test("resolves when the command has its result", async () => {
    const { send, fetch, receiving } = commandsWorld();
    const sending = send({}, WAIT_MS);
    await turns();
    const [command] = (await fetch()).commands;
    await receiving.settle(KIOSK, command?.id as CommandId, { ok: true, data: "7" });
    expect(await sending).toMatchObject({ status: "done", result: '{"ok":true,"data":7}' });
  });

  test("resolves to the command as it is when the time is up", async () => {
    const { send, fetch, clock } = commandsWorld();
    const sending = send({}, WAIT_MS);
    await turns();
    await fetch();
    clock.advance(WAIT_MS);
    expect(await sending).toMatchObject({ status: "leased", attempt: 1 });
  });

  test("stops waiting when its sender hangs up, and leaves no timer", async () => {
    const { send, clock } = commandsWorld();
    const timers = clock.pending;
    const gone = new AbortController();
    const sending = send({}, WAIT_MS, gone.signal);
    await turns();
    expect(clock.pending).toBe(timers + 1);
    gone.abort();
    expect(await sending).toMatchObject({ status: "queued" });
    expect(clock.pending).toBe(timers);
  });

  test("leaves no wait behind when the queue cannot take the command", async () => {
    const { send, queue, clock } = commandsWorld();
    const timers = clock.pending;
    queue.failure = new Fault("store_failed");
    expect(await codeOf(send({}, WAIT_MS))).toBe("store_failed");
    expect(clock.pending).toBe(timers);
  });

  test("queues nothing when too many wait already", async () => {
    const { send, queue } = commandsWorld();
    const gone = new AbortController();
    const waiting = Array.from({ length: LIMITS.resultWaitersMax }, (_, index) =>
      // All of them wait for one command, whose queue has a bound of its own.
      send({ key: "k" }, WAIT_MS, gone.signal).then(() => index),
    );
    await turns(200);
    expect(await codeOf(send({ key: "other" }, WAIT_MS))).toBe("waiters_exceeded");
    expect([...queue.records.values()].map(({ key }) => key)).toEqual(["k"]);
    gone.abort();
    expect(await Promise.all(waiting)).toHaveLength(LIMITS.resultWaitersMax);
  });

  test("waits for nothing once the server drains, and still queues", async () => {
    const { send, releaseAll } = commandsWorld();
    releaseAll();
    expect(await send({}, WAIT_MS)).toMatchObject({ status: "queued" });
  });
});

describe("send() with a key that was used before", () => {
  test("answers with the earlier command", async () => {
    const { send, queue } = commandsWorld();
    const { id } = await send({ key: "k" });
    expect((await send({ key: "k" })).id).toBe(id);
    expect(queue.records.size).toBe(1);
  });

  test("waits for the end of the earlier command", async () => {
    const { send, fetch, receiving } = commandsWorld();
    const { id } = await send({ key: "k" });
    const again = send({ key: "k" }, WAIT_MS);
    await fetch();
    await turns();
    await receiving.settle(KIOSK, id, { ok: false, error: { code: "jam", message: "stuck" } });
    expect(await again).toMatchObject({ id, status: "failed" });
  });

  test("answers at once when the earlier one has ended", async () => {
    const { send, commands, clock } = commandsWorld();
    const timers = clock.pending;
    const { id } = await send({ key: "k" });
    await commands.cancel(KIOSK, id);
    expect(await send({ key: "k" }, WAIT_MS)).toMatchObject({ id, status: "canceled" });
    expect(clock.pending).toBe(timers);
  });

  test("gives up when the time is up, and leaves no timer", async () => {
    const { send, clock } = commandsWorld();
    const timers = clock.pending;
    await send({ key: "k" });
    const again = send({ key: "k" }, WAIT_MS);
    await turns();
    clock.advance(WAIT_MS);
    expect(await again).toMatchObject({ status: "queued" });
    expect(clock.pending).toBe(timers);
  });

  test("is refused for another command", async () => {
    const { send } = commandsWorld();
    await send({ key: "k" });
    expect(await codeOf(send({ key: "k", type: "close" }))).toBe("command_key_taken");
    expect(await codeOf(send({ key: "k", priority: 1 }, WAIT_MS))).toBe("command_key_taken");
    expect(send({ key: "k", type: "close" })).rejects.toThrow("which has another type");
  });

  test("gets no more time by it", async () => {
    const { send } = commandsWorld();
    const { id, expiresAtMs } = await send({ key: "k", ttlMs: 5_000 });
    expect(await send({ key: "k", ttlMs: 60_000 })).toMatchObject({ id, expiresAtMs });
  });

  test("may leave out what the earlier one said", async () => {
    const { send, queue } = commandsWorld();
    const { id } = await send({ key: "k", ttlMs: 5_000, priority: 2, maxAttempts: 3 });
    expect((await send({ key: "k" })).id).toBe(id);
    expect(queue.records.size).toBe(1);
  });
});

test("send() refuses the command that is one too many", async () => {
  const { send } = commandsWorld();
  for (let sent = 0; sent < LIMITS.commandsQueuedPerDevice; sent += 1) await send();
  expect(await codeOf(send())).toBe("command_queue_full");
});

describe("cancel()", () => {
  test("ends a command before it is leased, and whoever waits for it hears of it", async () => {
    const { send, commands, queue, fetch } = commandsWorld();
    const sending = send({}, WAIT_MS);
    await turns();
    const [id] = [...queue.records.keys()];
    await commands.cancel(KIOSK, id as CommandId);
    expect(await sending).toMatchObject({ status: "canceled" });
    expect((await fetch()).commands).toEqual([]);
  });

  test("is refused once the command is leased", async () => {
    const { send, commands, fetch } = commandsWorld();
    const { id } = await send();
    await fetch();
    expect(await codeOf(commands.cancel(KIOSK, id))).toBe("command_leased");
  });

  test("is refused of a command of another device", async () => {
    const { send, commands } = commandsWorld();
    const { id } = await send();
    expect(await codeOf(commands.cancel(parseDeviceId("other"), id))).toBe("command_unknown");
    expect(await codeOf(commands.find(parseDeviceId("other"), id))).toBe("command_unknown");
  });
});

describe("findUnderKey()", () => {
  test("finds what was sent under the key, or sends nothing and says so", async () => {
    const { send, commands, queue } = commandsWorld();
    const { id, device, sender } = await send({ key: "k" });
    expect(await commands.findUnderKey({ device, sender, key: "k" })).toMatchObject({ id });
    const unknown = commands.findUnderKey({ device, sender, key: 'no "k"' });
    expect(await codeOf(unknown)).toBe("command_unknown");
    expect(unknown).rejects.toThrow('no command under the key "no \\"k\\"" of this sender');
    expect(queue.records.size).toBe(1);
  });
});

describe("list()", () => {
  test("gives pages, newest first, until there are no more", async () => {
    const { send, commands } = commandsWorld();
    const ids = [];
    for (let sent = 0; sent < 5; sent += 1) ids.push((await send()).id);
    const [a, b, c, d, e] = ids;
    const idsOf = async (before?: CommandId): Promise<unknown[]> => {
      const page = { device: KIOSK, limit: 2, ...(before !== undefined && { before }) };
      const { commands: listed, next } = await commands.list(page);
      return [listed.map(({ id }) => id), next];
    };
    expect(await idsOf()).toEqual([[e, d], d]);
    expect(await idsOf(d)).toEqual([[c, b], b]);
    expect(await idsOf(b)).toEqual([[a], undefined]);
  });

  test("ends a page before it weighs too much", async () => {
    const { send, commands } = commandsWorld();
    const data = JSON.stringify("x".repeat(LIMITS.eventMaxBytes - 2));
    for (let sent = 0; sent < 60; sent += 1) await send({ data });
    const { commands: listed, next } = await commands.list({ device: KIOSK, limit: 100 });
    const chars = listed.reduce((sum, it) => sum + it.data.length, 0);
    expect(chars).toBeLessThanOrEqual(LIMITS.commandPageMaxChars);
    expect(listed.length).toBeGreaterThan(20);
    expect(next).toBe(listed.at(-1)?.id);
  });

  test("is refused behind a command that the device does not have, or not any more", async () => {
    const { send, commands, queue } = commandsWorld();
    const { id } = await send();
    const behind = (before: CommandId) => commands.list({ device: KIOSK, limit: 2, before });
    expect(await codeOf(behind("c9" as CommandId))).toBe("command_unknown");
    queue.records.delete(id);
    expect(await codeOf(behind(id))).toBe("command_unknown");
  });

  test("ends a page where what it would go on behind is forgotten meanwhile", async () => {
    const { send, commands, queue } = commandsWorld();
    const data = JSON.stringify("x".repeat(10));
    for (let sent = 0; sent < 60; sent += 1) await send({ data });
    const read = queue.commands.bind(queue);
    queue.commands = async (page) => {
      const some = await read(page);
      for (const { id } of some ?? []) queue.records.delete(id);
      return some;
    };
    const { commands: listed, next } = await commands.list({ device: KIOSK, limit: 60 });
    expect(listed.length).toBeLessThan(60);
    expect(next).toBe(listed.at(-1)?.id);
    expect(
      await codeOf(commands.list({ device: KIOSK, limit: 1, before: next as CommandId })),
    ).toBe("command_unknown");
  });

  test("is refused of a device that is not on record", async () => {
    const { commands } = commandsWorld();
    const listing = commands.list({ device: parseDeviceId("nobody"), limit: 1 });
    expect(await codeOf(listing)).toBe("device_unknown");
  });
});
