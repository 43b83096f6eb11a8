import type { RunningServer } from "../compose.ts";
import { compareConfigs } from "../config/compare.ts";
import { toConfig } from "../config/config.ts";
import { type CheckedValues, checkSources } from "../config/load-config.ts";
import { checkLockout, type Read } from "../config/lockout.ts";
import { ConfigError, formatProblem } from "../config/problems.ts";
import { Fault } from "../core/faults.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import type { LeveledLog } from "../telemetry/log.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { type FoundConfig, rereadSources } from "./read-config.ts";

export interface ConfigReloadParts {
  /** What the server was started with. */
  readonly found: FoundConfig;
  readonly context: Pick<CommandContext, "cwd">;
  readonly server: Pick<RunningServer, "reload">;
  readonly log: LeveledLog;
  readonly metrics: Pick<Metrics, "count">;
}

/**
 * Reads the configuration anew and lets the server take over what it can while it runs; what needs a
 * restart is named. Where anything is wrong, nothing changes. Never rejects: the log says what came of
 * it. One at a time.
 */
export function createConfigReload(parts: ConfigReloadParts): () => Promise<void> {
  const { found, context, server, log, metrics } = parts;
  let now: CheckedValues | undefined;
  let read: Read = { config: found.config, toml: found.sources.toml };

  async function reload(): Promise<void> {
    now ??= checkSources(found.sources);
    const sources = await rereadSources(found, context);
    const { changed, needsRestart, after } = compareConfigs(now, checkSources(sources));
    const config = toConfig(after.values, sources);
    const wanted = { config, toml: sources.toml };
    checkLockout(read, wanted);
    await server.reload(config);
    now = after;
    read = wanted;
    // Whoever asked for it is told, however quiet the log is otherwise.
    log.setLevel("info");
    for (const { key: setting, is, wanted } of needsRestart) {
      const values = { is: unquoted(is), wanted: unquoted(wanted) };
      log.warn("config.restart_needed", { setting, ...values, remedy: remedyFor(setting) });
    }
    const named = needsRestart.map(({ key }) => key);
    log.info("config.reloaded", { changed, needsRestart: named });
    log.setLevel(config.log.level);
  }

  return async () => {
    try {
      await reload();
      metrics.count("posthorn_config_reloads_total", { outcome: "done" });
    } catch (error) {
      metrics.count("posthorn_config_reloads_total", { outcome: "failed" });
      log.error("config.reload_failed", failureOf(error));
    }
  };
}

/** The log has quotes of its own. */
function unquoted(described: string): string {
  return described.replace(/^"([^"\\]*)"$/, "$1");
}

/** A new process finds the running one beside the store, so only another store needs more. */
function remedyFor(setting: string): string {
  if (setting === "server.data") return "Restart the server";
  return "Send SIGUSR2, which lets a new process take over without a pause, or restart the server";
}

/** What is wrong with it, as `posthorn check` says it. */
function failureOf(error: unknown) {
  if (error instanceof ConfigError) return { problems: error.problems.map(formatProblem) };
  if (error instanceof Fault || error instanceof UsageError) return { problems: [error.message] };
  return { error };
}
