import type { Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { OwnUser } from "../engine/sqlite/become-owner.ts";
import type { ProcessUsage } from "../telemetry/process-figures.ts";

/** 0 fine, 1 failed, 2 used wrongly. */
export type ExitCode = 0 | 1 | 2;

/** The process that runs a command. */
export interface OwnProcess {
  readonly pid: number;
  /** Absent where users have no numbers. */
  readonly uid?: number;
  /** Starts this program once more, when the arguments are put behind it. */
  readonly command: readonly [string, ...string[]];
  /** The first word of `command` is all of this program. */
  readonly isStandalone: boolean;
}

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
  /** Aborts when it is asked again. */
  readonly forced?: AbortSignal;
  /** Says what to do when the process is asked to read its configuration again. Nobody asks on Windows. */
  readonly onReload?: (listener: () => void) => void;
  /** Says what to do when the process is asked to let a new one take its place. */
  readonly onUpgrade?: (listener: () => void) => void;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly own?: OwnProcess;
  readonly user?: OwnUser;
  /** What the process uses by now. */
  readonly usage: () => ProcessUsage;
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
