import { expect, test } from "bun:test";
import { copyFile, rename, rm } from "node:fs/promises";
import { parseChannel } from "../../src/core/channel.ts";
import type { Engine } from "../../src/core/ports/engine.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { Workspace } from "../support/workspace.ts";

const door = parseChannel("device:door");

function open(file: string, log: RecordingLog): Promise<Engine> {
  return createSqliteEngine({
    ...{ location: { file }, sync: "normal", clock: new FakeClock(), log },
    ...{ entropy: createFakeEntropy(), deliver: () => undefined, outboxGrew: () => undefined },
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
  });
}

function append(engine: Engine, data: string) {
  const retention = { sizeMax: 10, ttlMs: 60_000 };
  return engine.append({ channel: door, publication: { data, timeMs: 0 }, retention });
}

test.each([
  [
    "replaced by another one",
    async (file: string) => {
      await copyFile(file, `${file}.other`);
      await rename(`${file}.other`, file);
    },
  ],
  ["moved away", (file: string) => rm(file)],
])(
  "an engine whose file was %s acknowledges nothing, says so, and goes on when it is back",
  async (what, lose) => {
    await using workspace = await Workspace.make();
    const file = workspace.file("posthorn.db");
    const log = new RecordingLog();
    await using engine = await open(file, log);
    expect((await append(engine, '"1"')).offset).toBe(1);
    // A second name keeps the file itself.
    await Bun.$`ln ${file} ${file}.kept`.quiet();
    await lose(file);
    const refused = {
      code: "store_failed",
      detail: "the file of the store was replaced or moved away",
    };
    await expect(append(engine, '"2"')).rejects.toMatchObject(refused);
    await expect(engine.ping()).rejects.toMatchObject(refused);
    const failures = log.lines.filter(({ event }) => event === "store.failed");
    expect(failures).toHaveLength(1);
    expect(failures[0]?.fields["error"]).toContain(`${file} was ${what}`);
    expect(await engine.history(door, { limit: 10, ttlMs: 60_000 })).toMatchObject({
      top: { offset: 1 },
    });

    await rename(`${file}.kept`, file);
    expect((await append(engine, '"3"')).offset).toBe(2);
    expect(log.lines.map(({ event }) => event)).toContain("store.recovered");
  },
);
