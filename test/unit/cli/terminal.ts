import type { CommandContext, ExitCode } from "../../../src/cli/command.ts";
import { runCli } from "../../../src/cli/run.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { Workspace } from "../../support/workspace.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** A secret as operators make them. */
export const SECRET = "terminal-secret-0123456789abcdefghij";

/** A directory in which commands are run inside the test's own process. */
export class Terminal implements AsyncDisposable {
  readonly workspace: Workspace;
  env: Record<string, string> = {};

  private constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  static async open(): Promise<Terminal> {
    return new Terminal(await Workspace.make());
  }

  async run(...argv: string[]): Promise<Ran> {
    const printed = { stdout: "", stderr: "" };
    const context: CommandContext = {
      env: this.env,
      cwd: this.workspace.path,
      stdout: (text) => {
        printed.stdout += text;
      },
      stderr: (text) => {
        printed.stderr += text;
      },
      stdoutIsTty: false,
      clock: systemClock,
      entropy: systemEntropy,
      user: process,
      usage: () => ({ cpuSeconds: 0, residentBytes: 0, heapBytes: 0 }),
    };
    return { code: await runCli(argv, context), ...printed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
  }
}
