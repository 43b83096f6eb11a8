import { join } from "node:path";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { describeEngine, type EngineParts } from "./engine.ts";

const entropy = createFakeEntropy();
const log = new RecordingLog();

describeEngine({
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
});

describeEngine({
  name: "SQLite in memory",
  keepsAfterClose: false,
  open: ({ place: _, ...parts }: EngineParts) =>
    createSqliteEngine({ ...parts, location: "memory", sync: "full", entropy, log }),
});
