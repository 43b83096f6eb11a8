import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "../core/ports/log.ts";
import type { CommandContext } from "./command.ts";

const NOTIFY_TIMEOUT_MS = 10_000;
const run = promisify(execFile);

/**
 * Tells systemd, where it waits for that, that this process serves and is the one to watch. No runtime
 * has datagrams on Unix sockets, so systemd's own program sends it.
 */
export async function tellSystemd({ env, own }: CommandContext, log: Log): Promise<void> {
  if (env["NOTIFY_SOCKET"] === undefined || own === undefined) return;
  try {
    const timeout = NOTIFY_TIMEOUT_MS;
    await run("systemd-notify", ["--ready", `--pid=${own.pid}`], { timeout, env: { ...env } });
  } catch (error) {
    log.warn("systemd.untold", { error });
  }
}
