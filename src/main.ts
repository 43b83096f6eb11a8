import process from "node:process";
import { runCli } from "./cli/run.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemEntropy } from "./runtime/entropy.ts";

const ending = new AbortController();

for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => ending.abort());
}

// Its default would end the process without a word to any client.
process.on("SIGHUP", () => {
  process.stderr.write("SIGHUP ignored: restart to load a changed configuration\n");
});

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
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  stdoutIsTty: process.stdout.isTTY === true,
  signal: ending.signal,
  clock: systemClock,
  entropy: systemEntropy,
});
// Leaving before a slow pipe has taken everything would cut off the output.
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
process.exit();
