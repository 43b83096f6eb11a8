import { cleanEnvironment } from "./clean-environment.ts";
import { DEADLINE_MS, within } from "./inbox.ts";
import type { Target } from "./targets.ts";
import type { Workspace } from "./workspace.ts";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly workspace: Workspace;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one Posthorn command to its end, in the workspace's directory. */
export async function runCli(
  target: Target,
  args: readonly string[],
  { workspace, env }: CliOptions,
): Promise<CliResult> {
  const child = Bun.spawn([...target.command, ...args], {
    cwd: workspace.path,
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    const what = `posthorn ${args.join(" ")}`;
    const [stdout, stderr, code] = await within(
      Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]),
      what,
      2 * DEADLINE_MS,
    );
    return { code, stdout, stderr };
  } finally {
    child.kill("SIGKILL");
  }
}

function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}

/** Runs a command that must succeed and gives what it printed. */
export async function runCliOk(
  target: Target,
  args: readonly string[],
  options: CliOptions,
): Promise<string> {
  const result = await runCli(target, args, options);
  if (result.code !== 0) {
    throw new Error(
      `posthorn ${args.join(" ")} ended with ${result.code}: ${result.stderr}${result.stdout}`,
    );
  }
  return result.stdout;
}

/** A device as `posthorn device add --json` made it. */
export interface DeviceCredentials {
  readonly id: string;
  readonly secret: string;
}

/** Registers a device through the command line. */
export async function addDevice(
  target: Target,
  workspace: Workspace,
  id: string,
): Promise<DeviceCredentials> {
  return JSON.parse(await runCliOk(target, ["device", "add", id, "--json"], { workspace }));
}
