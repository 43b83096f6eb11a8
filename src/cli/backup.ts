import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { Fault } from "../core/faults.ts";
import { type CopiedStore, copyStore } from "../engine/sqlite/copy-store.ts";
import { copyTarget } from "../engine/sqlite/copy-target.ts";
import { onlyArgument, parseArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { explainIo } from "./io-errors.ts";
import { isThere } from "./is-there.ts";
import { readConfig } from "./read-config.ts";

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  force: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** `posthorn backup`. */
export const backupCommand: Command = {
  name: "backup",
  summary: "Copy the store to a file, also while it is served",
  usage: `Usage: posthorn backup FILE [--force] [--config FILE] [--data DIR] [--json]

  --force        Replace FILE when it is there; never the store, nor what is no ordinary file
  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --data DIR     The directory of the store, instead of the configured one
  --json         Print {"file","bytes","devices","bindings","channels","publications","commands","untold"}

The copy holds everything that was acknowledged before the command began. It is checked, and complete
as soon as FILE is there. The configuration, certificates and keys (also those in acme, beside the store) are files: keep them too.
Put it back with: posthorn restore FILE`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const file = onlyArgument("the file to write", positionals);
    const { force = false, json = false, ...store } = values;
    const { config } = await readConfig(context, store);
    const to = resolve(context.cwd, file);
    const from = storeFileOf(config);
    if (!isThere(from)) {
      const detail = `there is none at ${from}; server.data and the directory of this command decide where`;
      throw new Fault("store_missing", { detail });
    }
    inWords(file, () => copyTarget(from, to));
    if (!force) checkFree(to, file);
    const { clock, user } = context;
    const copied = inWords(file, () => copyStore({ from, to, nowMs: clock.nowMs(), user }));
    context.stdout(
      json ? `${JSON.stringify({ file: to, ...copied })}\n` : `Wrote ${file}: ${told(copied)}\n`,
    );
    return 0;
  },
};

/** Where the store is; throws a {@link UsageError} when it is in memory. */
export function storeFileOf({ store }: Pick<Config, "store">): string {
  if (store.location !== "memory") return store.location.file;
  throw new UsageError("Cannot go on with --dev: that store is in memory");
}

/** What a copy holds, for people. */
export function told({ bytes, ...counts }: CopiedStore): string {
  const { devices, bindings, channels, publications, commands, untold } = counts;
  const mebibytes = (bytes / 1024 / 1024).toFixed(1);
  return `${devices} devices, ${bindings} bindings, ${channels} channels with ${publications} publications, ${commands} commands, ${untold} events for webhooks (${mebibytes} MiB)`;
}

/** Runs what makes a file; what the system says against it becomes words. */
export function inWords<T>(file: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new Error(`Cannot write ${file}: ${explainIo(cause)}`, { cause });
  }
}

function checkFree(to: string, file: string): void {
  if (!isThere(to)) return;
  throw new Error(`Cannot write ${file}: it is there already, replace it with --force`);
}
