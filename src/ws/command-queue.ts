import { LIMITS } from "../core/limits.ts";
import type { Command } from "../protocol/client-frame.ts";
import type { ClientLimits } from "./client-services.ts";

interface Waiting {
  readonly command: Command;
  readonly chars: number;
}

/** Read at each frame: they may change. */
type CommandQueueLimits = Pick<ClientLimits, "commandsBurst" | "frameMaxBytes">;

/** The commands of one client that came while an earlier one runs. */
export class CommandQueue {
  readonly #limits: CommandQueueLimits;
  #waiting: Waiting[] = [];
  #chars = 0;

  constructor(limits: CommandQueueLimits) {
    this.#limits = limits;
  }

  /** More waits than may. */
  get isOverfull(): boolean {
    const { commandsBurst, frameMaxBytes } = this.#limits;
    // As many may be refused at once as may run at once.
    const countMax = 2 * commandsBurst;
    const charsMax = LIMITS.framesQueuedPerClient * frameMaxBytes;
    return this.#waiting.length > countMax || this.#chars > charsMax;
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
