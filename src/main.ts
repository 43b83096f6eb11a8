import process from "node:process";
import { runCli } from "./cli/run.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemEntropy } from "./runtime/entropy.ts";

const ending = new AbortController();
const out = createOutput(process.stdout);
const err = createOutput(process.stderr);

for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => ending.abort());
}

// Its default would end the process without a word to any client.
process.on("SIGHUP", () => {
  process.stderr.write("SIGHUP ignored: restart to load a changed configuration\n");
});

// Whoever read what we print may be gone; what was not read is no reason to stop working.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

// A throw that escaped every handler is a bug of ours, but no reason to cut off every client.
for (const name of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(name, (error: unknown) => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const time = new Date().toISOString();
    const line = { time, level: "error", event: "process.bug", name, error: { message, stack } };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: out.write,
  stderr: err.write,
  stdoutIsTty: process.stdout.isTTY === true,
  signal: ending.signal,
  clock: systemClock,
  entropy: systemEntropy,
});
// Leaving before a slow pipe has taken everything would cut off the output.
await Promise.all([out.taken(), err.taken()]);
process.exit();

/** Writes, and knows when the last of it was taken: Bun says of an empty write that it was before those ahead of it. */
function createOutput(stream: NodeJS.WritableStream) {
  let last = Promise.resolve();
  return {
    write(text: string): void {
      last = new Promise((resolve) => {
        stream.write(text, () => resolve());
      });
    },
    taken: () => last,
  };
}
