import { copyStore } from "../../src/engine/sqlite/copy-store.ts";

// Copies a store once its parent says so, and prints how many devices the copy has.
const [from = "", to = ""] = process.argv.slice(2);
process.stdout.write("ready\n");
for await (const _ of process.stdin) break;
process.stdout.write(`${copyStore({ from, to, nowMs: 1 }).devices}\n`);
process.exit(0);
