import type { Clock } from "../core/ports/clock.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import { parseTraceContext, traceIdOf } from "../core/trace-context.ts";
import { ENDPOINTS } from "../ws/handshake.ts";
import type { App } from "./app-env.ts";
import type { Entry } from "./entry.ts";
import { createPatternFinder } from "./route-patterns.ts";

/** Runs the work of a request so that its log lines say to which trace it belongs. */
export type RunTraced = <Result>(traceId: string, work: () => Result) => Result;

export interface MeasuredEntryOptions {
  /** Its routes are what requests are told apart by. */
  readonly app: Pick<App, "routes">;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly runTraced: RunTraced;
}

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** Counts and times what an entry answers, and names the traces that requests bring. */
export function measureEntry(entry: Entry, options: MeasuredEntryOptions): Entry {
  const { clock, runTraced } = options;
  const meter = createRequestMeter(options);
  return async (request, info) => {
    const startedMs = clock.monotonicMs();
    // Read now: after an upgrade the request may not be looked at any more.
    const { method, url, headers } = request;
    const wantsUpgrade = headers.has("upgrade");
    const trace = parseTraceContext(headers.get("traceparent") ?? undefined);
    const answering = trace
      ? runTraced(traceIdOf(trace), () => entry(request, info))
      : entry(request, info);
    const { status } = await answering;
    // A response to a handshake that succeeded says nothing; on the wire it was 101.
    const shown = wantsUpgrade && status === 200 ? 101 : status;
    meter({ method, url, status: shown, tookMs: clock.monotonicMs() - startedMs });
    return answering;
  };
}

interface Answered {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly tookMs: number;
}

function createRequestMeter({ app, metrics }: MeasuredEntryOptions) {
  const patternOf = createPatternFinder([...app.routes.map(({ path }) => path), ...ENDPOINTS]);
  return ({ method, url, status, tookMs }: Answered): void => {
    const route = patternOf(pathOf(url));
    metrics.count("posthorn_http_requests_total", {
      method: METHODS.has(method) ? method : "other",
      route,
      status: `${Math.floor(status / 100)}xx`,
    });
    metrics.histogram("posthorn_http_request_seconds", { route }).observe(tookMs / 1000);
  };
}

/** Without parsing all of it; a bad Host header makes it relative. */
function pathOf(url: string): string {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}
