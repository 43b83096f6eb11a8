import { rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { becomeOwnerOf, type OwnUser } from "../engine/sqlite/become-owner.ts";
import { checkSource, copyStore } from "../engine/sqlite/copy-store.ts";
import { lockForServing, servingLockOf } from "../engine/sqlite/serving-lock.ts";
import { onlyArgument, parseArguments } from "./arguments.ts";
import { inWords, storeFileOf, told } from "./backup.ts";
import type { Command } from "./command.ts";
import { isThere } from "./is-there.ts";
import { readConfig } from "./read-config.ts";

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  json: { type: "boolean" },
} as const;

/** `posthorn restore`. */
export const restoreCommand: Command = {
  name: "restore",
  summary: "Put a backup where a server will serve it",
  usage: `Usage: posthorn restore FILE [--config FILE] [--data DIR] [--json]

  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --data DIR     The directory of the store, instead of the configured one
  --json         Print what posthorn backup --json prints

No store may be there. FILE stays as it is. Also good for a store from a snapshot of a disk: what
clients remember of the time after it would otherwise make them miss publications unnoticed.

A restored store begins a new life: clients are told that they cannot recover and read the history
anew. What the backend and the terminals did after the backup is not in it: commands and webhooks of
that time may come once more, with the ids they had, and secrets that were replaced hold again.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const file = onlyArgument("the backup to put back", positionals);
    const { json = false, ...store } = values;
    const to = storeFileOf((await readConfig(context, store)).config);
    const from = resolve(context.cwd, file);
    if (!isThere(from)) throw new Error(`Cannot restore ${file}: there is no such file`);
    checkSource(from, "backup");
    const { clock, user } = context;
    const nowMs = clock.nowMs();
    const copied = inWords(to, () =>
      aloneAt({ to, user }, () => copyStore({ from, to, nowMs, role: "backup", user })),
    );
    context.stdout(
      json ? `${JSON.stringify({ file: to, ...copied })}\n` : `Restored ${to}: ${told(copied)}\n`,
    );
    return 0;
  },
};

interface Place {
  readonly to: string;
  readonly user: OwnUser | undefined;
}

/** Runs `put` while no server can make a store there, which it would lose. Leaves no trace when it fails. */
function aloneAt<T>({ to, user }: Place, put: () => T): T {
  const lock = servingLockOf(to);
  const isFirst = !isThere(lock);
  // Where a server was, it is asked first: whoever serves is to be ended, and nothing moved away.
  if (isFirst) checkNoStore(to);
  using _alone = lockAsOwner({ to, user });
  try {
    checkNoStore(to);
    return put();
  } catch (error) {
    if (isFirst) rmSync(lock, { force: true });
    throw error;
  }
}

function lockAsOwner({ to, user }: Place): Disposable {
  using _owner = becomeOwnerOf(dirname(to), user);
  return lockForServing(to);
}

function checkNoStore(to: string): void {
  const found = [to, `${to}-wal`, `${to}-shm`].filter((it) => isThere(it));
  if (found.length === 0) return;
  throw new Error(
    `Cannot restore to ${to}: ${found.join(", ")} ${found.length > 1 ? "are" : "is"} there already; move what is there away`,
  );
}
