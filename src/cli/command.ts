import type { Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";

/** 0 fine, 1 failed, 2 used wrongly. */
export type ExitCode = 0 | 1 | 2;

/** Everything a command may know of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths start from. */
  readonly cwd: string;
  /** Writes text as it is: line ends included. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly stdoutIsTty: boolean;
  /** Aborts when the process is asked to end. */
  readonly signal?: AbortSignal;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** One word after `posthorn`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Everything that may follow, as `--help` shows it. */
  readonly usage: string;
  readonly run: (args: readonly string[], context: CommandContext) => Promise<ExitCode>;
}

/** The command line is not one that a command takes; says what would be. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
