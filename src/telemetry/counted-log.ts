import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";

/** Counts the lines by level, also those that the log leaves out. */
export function countLines(log: Log, metrics: Metrics): Log {
  const [debug, info, warn, error] = (["debug", "info", "warn", "error"] as const).map((level) => {
    const lines = metrics.counter("posthorn_log_lines_total", { level });
    const write: Log["info"] = (event, fields) => {
      lines.add();
      log[level](event, fields);
    };
    return write;
  }) as [Log["debug"], Log["info"], Log["warn"], Log["error"]];
  return { debug, info, warn, error };
}
