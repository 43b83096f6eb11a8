import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "./chromium.ts";
import { findNginx } from "./nginx.ts";
import { findIp, findIptables } from "./own-network.ts";
import { findPebble } from "./pebble.ts";
import { findFaketime } from "./shifted-clock.ts";
import { findCompiler, findHeaders } from "./slow-disk.ts";
import { findSystemdAnalyze } from "./systemd.ts";

/** Test files that run at the same time; black-box tests mostly wait, so two cores carry three. */
const WORKERS = 3;

/** Programs that tests use as they are; Debian has them, and root may install them. */
const PROGRAMS = [
  { name: "nginx", find: findNginx },
  { name: "chromium", find: findChromium },
  { name: "libfaketime", find: findFaketime },
  { name: "pebble", find: findPebble },
  { name: "systemd", find: findSystemdAnalyze },
  { name: "gcc", find: findCompiler },
  { name: "libc6-dev", find: findHeaders },
  { name: "iproute2", find: findIp },
  { name: "iptables", find: findIptables },
];

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const trouble = (await providePrograms()) ?? (await build());
  if (trouble !== undefined) {
    console.error(trouble);
    return report({ passed: 0, failed: 1, skipped: 0 }, 1);
  }
  const directory = await mkdtemp(join(tmpdir(), "posthorn-report-"));
  try {
    const file = join(directory, "report.xml");
    const reporting = ["--reporter=junit", `--reporter-outfile=${file}`];
    const code = await run([
      process.execPath,
      "test",
      "--no-orphans",
      `--parallel=${WORKERS}`,
      ...reporting,
      ...args,
    ]);
    return report(await count(file), code);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Gives what went wrong. */
async function providePrograms(): Promise<string | undefined> {
  const missing = PROGRAMS.filter(({ find }) => find() === undefined).map(({ name }) => name);
  if (missing.length === 0) return undefined;
  const names = missing.join(" ");
  if (process.getuid?.() !== 0 || Bun.which("apt-get") === null) {
    return `Cannot run all tests: ${names} missing; install it, on Debian as root: apt-get install ${names}`;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...missing];
  for (const step of [["update", "-qq"], install]) {
    const code = await run(["apt-get", ...step], env);
    if (code !== 0) return `Cannot install ${names}: apt-get ${step.join(" ")} ended with ${code}`;
  }
  return undefined;
}

/** The executable is one of the forms that are tested. Gives what went wrong. */
async function build(): Promise<string | undefined> {
  const code = await run([process.execPath, "run", "build"]);
  return code === 0 ? undefined : `Cannot build the executable: the build ended with ${code}`;
}

async function run(command: readonly string[], env = process.env): Promise<number> {
  const child = Bun.spawn([...command], {
    env,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  return child.exited;
}

/** Reads the totals off the report's root element; no report means that nothing ran. */
async function count(file: string): Promise<Count> {
  const text = await readFile(file, "utf8").catch(() => "");
  const root = /<testsuites [^>]*>/.exec(text)?.[0] ?? "";
  const total = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const [failed, skipped] = [total("failures"), total("skipped")];
  return { passed: total("tests") - failed - skipped, failed, skipped };
}

/** Prints the count as the very last line and gives the exit code. */
function report({ passed, failed, skipped }: Count, code: number): number {
  // A file that does not load fails the run without failing a test.
  const failures = failed === 0 && code !== 0 ? 1 : failed;
  if (skipped > 0)
    console.log(`${skipped} skipped: a skipped test proves nothing, so this run is no success`);
  if (passed + failures === 0) console.log("No test ran, so this run is no success");
  console.log(`${passed} passed, ${failures} failed`);
  return failures > 0 || skipped > 0 || passed === 0 ? 1 : 0;
}
