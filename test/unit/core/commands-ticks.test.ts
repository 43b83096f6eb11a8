import { describe, expect, test } from "bun:test";
import type { CommandRecord } from "../../../src/core/command.ts";
import type { CommandTick } from "../../../src/core/command-life.ts";
import { startCommandTicks } from "../../../src/core/command-ticks.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { commandsWorld, pass, turns } from "../../support/commands-world.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const RECORD = { id: "c1" } as CommandRecord;

function world(tickCommands: (tick: CommandTick) => Promise<readonly CommandRecord[]>) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const changed: CommandRecord[] = [];
  const ticks = startCommandTicks({
    queue: { tickCommands },
    news: { changed: (record) => changed.push(record) },
    commandLeaseMs: 7_000,
    clock,
    log,
  });
  return { clock, log, changed, ticks };
}

describe("ticks of commands", () => {
  test("begin at once, and go on each second until they are disposed", async () => {
    let ticked = 0;
    const { clock, ticks } = world(async () => {
      ticked += 1;
      return [];
    });
    await turns();
    expect(ticked).toBe(1);
    clock.advance(LIMITS.commandTickMs);
    await turns();
    expect(ticked).toBe(2);
    await ticks[Symbol.asyncDispose]();
    clock.advance(10 * LIMITS.commandTickMs);
    await turns();
    expect([ticked, clock.pending]).toEqual([2, 0]);
  });

  test("say how long what begins now may last", async () => {
    const asked: CommandTick[] = [];
    const { clock } = world(async (tick) => {
      asked.push(tick);
      return [];
    });
    await turns();
    const resultTimeoutMs = LIMITS.commandResultTimeoutMs;
    expect(asked).toEqual([{ nowMs: clock.nowMs(), leaseMs: 7_000, resultTimeoutMs }]);
  });

  test("go on in one run until nothing is due, and tell of each change", async () => {
    let left = 3;
    const { changed } = world(async () => (left-- > 0 ? [RECORD, RECORD] : []));
    await turns();
    expect(changed).toHaveLength(6);
  });

  test("end a run that never finds the end", async () => {
    const { changed } = world(async () => [RECORD]);
    await turns(4 * LIMITS.commandTickRoundsMax);
    expect(changed).toHaveLength(LIMITS.commandTickRoundsMax);
  });

  test("never overlap, and disposing waits for the one that runs", async () => {
    const { promise, resolve } = Promise.withResolvers<readonly CommandRecord[]>();
    let running = 0;
    const { clock, ticks } = world(() => {
      running += 1;
      return promise;
    });
    clock.advance(5 * LIMITS.commandTickMs);
    await turns();
    expect(running).toBe(1);
    let isDisposed = false;
    const disposing = ticks[Symbol.asyncDispose]().then(() => {
      isDisposed = true;
    });
    await turns();
    expect(isDisposed).toBe(false);
    resolve([]);
    await disposing;
  });

  test("go on after the store had trouble, of which they tell once", async () => {
    let failure: Error | undefined = new Fault("store_failed");
    let ticked = 0;
    const { clock, log } = world(async () => {
      ticked += 1;
      if (failure !== undefined) throw failure;
      return [];
    });
    for (let second = 0; second < 3; second += 1) {
      await turns();
      clock.advance(LIMITS.commandTickMs);
    }
    await turns();
    expect(ticked).toBe(4);
    expect(log.of("commands.failed")).toHaveLength(1);
    failure = undefined;
    clock.advance(LIMITS.commandTickMs);
    await turns();
    failure = new Fault("store_failed");
    clock.advance(LIMITS.commandTickMs);
    await turns();
    expect(log.of("commands.failed")).toHaveLength(2);
  });

  test("tell whoever waits for a result that the command expired", async () => {
    const { send, clock } = commandsWorld();
    const sending = send({ ttlMs: 5_000 }, 20_000);
    await turns();
    await pass({ clock }, 5_000);
    expect(await sending).toMatchObject({ status: "expired" });
  });
});
