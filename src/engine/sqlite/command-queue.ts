import { deviceChannel } from "../../core/channel.ts";
import type { CommandRecord } from "../../core/command.ts";
import type { CommandOutcome } from "../../core/command-life.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import type { CommandQueue } from "../../core/ports/command-queue.ts";
import type { MoveOutput } from "./command-statements.ts";
import type { Lanes } from "./lanes.ts";
import { refuseNegative } from "./refuse-negative.ts";
import { type Listeners, tellCommitted } from "./tell-committed.ts";

/** The `CommandQueue` of a store. */
export function createCommandQueue(
  { read, write }: Lanes,
  rules: OwnEventRules,
  listeners: Listeners,
): CommandQueue {
  const moveCommand: CommandQueue["moveCommand"] = async (device, id, move) => {
    const input = { ref: { device, id }, move, rules };
    const moved = await write.run("moveCommand", input, {
      // A history waits for what is told on its channel, as for any append.
      key: deviceChannel(device),
      bytes: move.kind === "settle" ? move.result.text.length : 0,
      committed: (output) => {
        if (output && "told" in output) tellCommitted(output.told, listeners);
      },
    });
    return moved && toOutcome(moved);
  };

  return {
    async addCommand(command) {
      const { device, data } = command;
      const output = await write.run(
        "addCommand",
        { command, rules },
        {
          key: deviceChannel(device),
          bytes: data.length,
          committed: (added) => {
            if ("told" in added) tellCommitted(added.told, listeners);
          },
        },
      );
      return "told" in output ? { added: command } : output;
    },

    async leaseCommands(request) {
      const { device, max } = request;
      refuseNegative("lease commands: max", max);
      const leased = await write.run(
        "leaseCommands",
        { request, rules },
        {
          key: deviceChannel(device),
          committed: (changes) => {
            for (const { told } of changes) tellCommitted(told, listeners);
          },
        },
      );
      return leased.map(({ changed }) => changed);
    },

    moveCommand,

    command: (device, id) => read.run("command", { device, id }),

    commandUnderKey: (sent) => read.run("commandUnderKey", sent),

    async commands({ device, before = null, limit }) {
      refuseNegative("list commands: limit", limit);
      return read.run("commands", { device, before, limit });
    },

    commandsLeasedTo(device, receiver) {
      return read.run("commandsLeasedTo", { device, receiver });
    },

    waitingCommands(device) {
      return read.run("waitingCommands", device);
    },

    async devicesWaitedFor({ after = "", limit }) {
      refuseNegative("list devices: limit", limit);
      return read.run("devicesWaitedFor", { after, limit });
    },

    openCommands(device) {
      return read.run("openCommands", device);
    },

    async tickCommands(tick) {
      const due = await read.run("dueCommands", tick);
      // They share a transaction, each by its own key; one that moved meanwhile is left unchanged.
      const ticked = await Promise.all(
        due.map(({ device, id }) => moveCommand(device, id, { ...tick, kind: "tick" })),
      );
      return ticked.flatMap(changedOf);
    },
  };
}

function toOutcome(output: MoveOutput): CommandOutcome {
  return "told" in output ? { changed: output.changed } : output;
}

function changedOf(outcome: CommandOutcome | undefined): readonly CommandRecord[] {
  return outcome && "changed" in outcome ? [outcome.changed] : [];
}
