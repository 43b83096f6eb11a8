import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../core/ports/log.ts";

/** A log for the work of requests, and the way to tell it to which trace that belongs. */
export interface TracedLog {
  readonly log: Log;
  runTraced<Result>(traceId: string, work: () => Result): Result;
}

/**
 * Adds `trace_id` to the lines of traced requests.
 *
 * It is for what answers requests and for nothing else: work that a request only sets off (a commit
 * shared with others, a delivery to a webhook) goes on in its context and belongs to others as well.
 */
export function createTracedLog(log: Log): TracedLog {
  const traces = new AsyncLocalStorage<string>();
  const writer = (level: keyof Log): Log["info"] => {
    return (event, fields) => {
      const trace_id = traces.getStore();
      log[level](event, trace_id === undefined ? fields : { ...fields, trace_id });
    };
  };
  return {
    log: {
      debug: writer("debug"),
      info: writer("info"),
      warn: writer("warn"),
      error: writer("error"),
    },
    runTraced: (traceId, work) => traces.run(traceId, work),
  };
}
