import process from "node:process";
import { runCli } from "./cli/run.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemEntropy } from "./runtime/entropy.ts";

const ending = new AbortController();
const forcing = new AbortController();
const out = createOutput(process.stdout);
const err = createOutput(process.stderr);

for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.on(name, () => {
    if (ending.signal.aborted) forcing.abort();
    ending.abort();
  });
}

/** Until a command says what it would read again, SIGHUP ends it, as when its terminal is closed. */
let hangup = (): void => ending.abort();
if (process.platform !== "win32") process.on("SIGHUP", () => hangup());

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
  forced: forcing.signal,
  onReload(listener) {
    hangup = listener;
  },
  onUpgrade(listener) {
    if (process.platform !== "win32") process.on("SIGUSR2", listener);
  },
  clock: systemClock,
  entropy: systemEntropy,
  usage: usageOf,
  own: ownProcess(),
  user: process,
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

function ownProcess() {
  // The file system within an executable that Bun has made.
  const isStandalone = import.meta.url.includes("/$bunfs/");
  const [, script = ""] = process.argv;
  const command = isStandalone ? [] : [...process.execArgv, script];
  const uid = process.getuid?.();
  return {
    pid: process.pid,
    ...(uid !== undefined && { uid }),
    command: [process.execPath, ...command],
    isStandalone,
  } as const;
}

function usageOf() {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapBytes: heapUsed };
}
