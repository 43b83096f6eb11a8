import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

// Takes rows of the outbox through their lives without end and prints each step that is durable,
// until its parent kills it.
const [file = "", run = ""] = process.argv.slice(2);
const clock = new FakeClock();
const nowMs = clock.nowMs();
const engine = await createSqliteEngine({
  location: { file },
  sync: "full",
  deliver: () => undefined,
  outboxGrew: () => undefined,
  ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
  clock,
  entropy: createFakeEntropy(),
  log: new RecordingLog(),
});

/** Of every four rows one is delivered, one fails, one dies, and one is never taken. */
async function postForever(endpoint: string): Promise<never> {
  for (let round = 0; ; round++) {
    const ids = ["done", "failed", "dead", "added"].map((fate) => `${run}-${round}-${fate}`);
    const row = { endpoint, type: "device.online", body: "{}", createdAtMs: nowMs };
    await engine.add(ids.map((id) => ({ ...row, id, orderKey: id })));
    for (const id of ids) process.stdout.write(`${endpoint} ${id} added\n`);
    const [done = "", failed = "", dead = ""] = ids;
    await engine.take({ endpoint, nowMs, max: 3, leaseMs: 60_000 });
    await Promise.all([
      engine.done({ endpoint, id: done }),
      engine.retry({ endpoint, id: failed }, nowMs),
      engine.bury({ endpoint, id: dead }, { atMs: nowMs, why: "said no" }),
    ]);
    for (const id of [done, failed, dead]) {
      process.stdout.write(`${endpoint} ${id} ${id.split("-")[2]}\n`);
    }
  }
}

await Promise.all(["shop", "bank"].map((endpoint) => postForever(endpoint)));
