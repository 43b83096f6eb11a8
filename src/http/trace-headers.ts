import { parseTraceContext, type TraceContext } from "../core/trace-context.ts";

/** The part of a request in use here; that of Hono fits. */
interface Asked {
  header(name: string): string | undefined;
}

/** The trace that a request belongs to; one that names none, or none that is well-formed, gets none. */
export function traceOf(req: Asked): TraceContext | undefined {
  return parseTraceContext(req.header("traceparent"), req.header("tracestate"));
}
