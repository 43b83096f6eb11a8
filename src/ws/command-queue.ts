import { LIMITS } from "../core/limits.ts";
import type { Command } from "../protocol/client-frame.ts";
import type { ClientLimits } from "./client-services.ts";

interface Waiting {
  readonly command: Command;
  readonly chars: number;
}

/** The commands of one client that came while an earlier one runs. */
export class CommandQueue {
  readonly #countMax: number;
  readonly #charsMax: number;
  #waiting: Waiting[] = [];
  #chars = 0;

  constructor({ commandsBurst, frameMaxBytes }: ClientLimits) {
    // As many may be refused at once as may run at once.
    this.#countMax = 2 * commandsBurst;
    this.#charsMax = LIMITS.framesQueuedPerClient * frameMaxBytes;
  }

  /** More waits than may. */
  get isOverfull(): boolean {
    return this.#waiting.length > this.#countMax || this.#chars > this.#charsMax;
  }

  /** Adds the commands of one frame of `chars` characters. */
  push(commands: readonly Command[], chars: number): void {
    const share = chars / Math.max(1, commands.length);
    for (const command of commands) this.#waiting.push({ command, chars: share });
    if (commands.length > 0) this.#chars += chars;
  }

  shift(): Command | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    this.#chars = this.#waiting.length === 0 ? 0 : this.#chars - next.chars;
    return next.command;
  }

  clear(): void {
    this.#waiting = [];
    this.#chars = 0;
  }
}
