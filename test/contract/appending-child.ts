import { parseChannel } from "../../src/core/channel.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

// Appends without end and prints what was acknowledged, until its parent kills it.
const [file = "", run = ""] = process.argv.slice(2);
const engine = await createSqliteEngine({
  location: { file },
  sync: "full",
  deliver: () => undefined,
  outboxGrew: () => undefined,
  ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
  clock: new FakeClock(),
  entropy: createFakeEntropy(),
  log: new RecordingLog(),
});

async function appendForever(appender: number): Promise<never> {
  for (let round = 0; ; round++) {
    const channel = parseChannel(`device:d${round % 10}`);
    const data = `${run}-${appender}-${round}`;
    const { offset } = await engine.append({
      channel,
      publication: { data, timeMs: 0 },
      retention: { sizeMax: 1_000_000, ttlMs: Number.MAX_SAFE_INTEGER },
      dedupe: { scope: channel, id: data, ttlMs: 24 * 60 * 60 * 1000 },
    });
    process.stdout.write(`${channel} ${offset} ${data}\n`);
  }
}

await Promise.all(Array.from({ length: 32 }, (_, appender) => appendForever(appender)));
