import { join } from "node:path";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { describeBindings } from "./bindings.ts";
import { describeCommandQueue } from "./command-queue.ts";
import { describeDeviceRecords } from "./device-records.ts";
import { describeDeviceStates } from "./device-states.ts";
import { describeEngine } from "./engine.ts";
import type { EngineParts, EngineUnderTest } from "./engine-world.ts";
import { describeFigures } from "./figures.ts";

const entropy = createFakeEntropy();
const log = new RecordingLog();

const inFile: EngineUnderTest = {
  name: "SQLite in a file",
  keepsAfterClose: true,
  open: ({ place, ...parts }: EngineParts) =>
    createSqliteEngine({
      ...parts,
      location: { file: join(place, "data", "posthorn.db") },
      sync: "full",
      entropy,
      log,
    }),
};

const inMemory: EngineUnderTest = {
  name: "SQLite in memory",
  keepsAfterClose: false,
  open: ({ place: _, ...parts }: EngineParts) =>
    createSqliteEngine({ ...parts, location: "memory", sync: "full", entropy, log }),
};

for (const engine of [inFile, inMemory]) {
  describeEngine(engine);
  describeDeviceRecords(engine);
  describeBindings(engine);
  describeDeviceStates(engine);
  describeCommandQueue(engine);
  describeFigures(engine);
}
