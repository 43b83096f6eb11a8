import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outbox } from "../../src/core/ports/outbox.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

const LEASE_MS = 60_000;

let place: string;
let file: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "posthorn-outbox-durability-"));
  file = join(place, "posthorn.db");
});
afterEach(() => rm(place, { recursive: true }));

/** Runs a child that fills the outbox and kills it after some steps; the last step of each row it told of. */
async function postUntilKilled(run: number, steps: number): Promise<Map<string, string>> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "posting-outbox-child.ts"), file, `${run}`],
    { stdout: "pipe", stderr: "inherit" },
  );
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split("\n").length > steps) child.kill("SIGKILL");
  }
  expect(await child.exited).not.toBe(0);
  const told = text.split("\n").slice(0, -1);
  return new Map(told.map((line) => [line.slice(0, line.lastIndexOf(" ")), line]));
}

/** What an outbox says each row is at. */
async function stepsStored(outbox: Outbox, nowMs: number): Promise<Map<string, string>> {
  const stored = new Map<string, string>();
  for (const endpoint of ["shop", "bank"]) {
    const query = { endpoint, nowMs, max: 10_000, leaseMs: LEASE_MS };
    for (const { id, failures } of (await outbox.take(query)).rows) {
      stored.set(`${endpoint} ${id}`, failures === 0 ? "added" : "failed");
    }
  }
  for (const { endpoint, id } of await outbox.deadLetters({ limit: 10_000 })) {
    stored.set(`${endpoint} ${id}`, "dead");
  }
  return stored;
}

test("a killed process loses no row of the outbox, and ends none that it did not end", async () => {
  const told = new Map<string, string>();
  for (const [run, steps] of [200, 800].entries()) {
    for (const [row, line] of await postUntilKilled(run, steps)) told.set(row, line);
  }
  expect(told.size).toBeGreaterThan(400);

  const clock = new FakeClock();
  await using engine = await createSqliteEngine({
    location: { file },
    sync: "full",
    deliver: () => undefined,
    outboxGrew: () => undefined,
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
    clock,
    entropy: createFakeEntropy(),
    log: new RecordingLog(),
  });
  clock.advance(LEASE_MS);
  const stored = await stepsStored(engine, clock.nowMs());
  // Each row is as it was last told of, or one step further; its name says which step that would be.
  for (const [row, line] of told) {
    const step = line.slice(row.length + 1);
    const fate = row.split("-")[2] ?? "";
    const now = stored.get(row) ?? "done";
    expect({ row, now }).toEqual({ row, now: now === step ? step : fate });
  }
}, 30_000);
