import type { CommandId, CommandRecord } from "./command.ts";
import { LIMITS } from "./limits.ts";
import type { CommandPage, CommandQueue } from "./ports/command-queue.ts";
import { unknownCommand } from "./unknown-command.ts";

/** A page of a device's commands. */
export interface CommandListing {
  readonly commands: readonly CommandRecord[];
  /** What to ask for next with `before`. Absent: these were the oldest. */
  readonly next?: CommandId;
}

/**
 * Reads a page, which ends before its limit where it would weigh more than one answer may. Throws
 * `command_unknown` where there is no command to go on behind.
 */
export async function readCommandPage(
  queue: Pick<CommandQueue, "commands">,
  page: CommandPage,
): Promise<CommandListing> {
  const commands: CommandRecord[] = [];
  let charsLeft: number = LIMITS.commandPageMaxChars;
  while (commands.length < page.limit) {
    // With its data and its result, both as large as they may be.
    const fitting = Math.floor(charsLeft / (2 * LIMITS.eventMaxBytes));
    const limit = Math.min(page.limit - commands.length, fitting);
    if (limit === 0) break;
    const before = commands.at(-1)?.id ?? page.before;
    const more = await queue.commands({
      device: page.device,
      limit,
      ...(before !== undefined && { before }),
    });
    if (more === undefined) return endAt(commands, before);
    commands.push(...more);
    charsLeft -= more.reduce((sum, { data, result = "" }) => sum + data.length + result.length, 0);
    if (more.length < limit) return { commands };
  }
  const next = commands.at(-1)?.id;
  return { commands, ...(next !== undefined && { next }) };
}

/** The command to go on behind is not there: whoever named it is told, in the midst of a page it is the next one. */
function endAt(commands: readonly CommandRecord[], before: CommandId | undefined): CommandListing {
  if (commands.length === 0 && before !== undefined) throw unknownCommand(before);
  return { commands, ...(before !== undefined && { next: before }) };
}
