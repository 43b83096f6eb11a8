/**
 * To which trace something belongs, by the W3C recommendation "Trace Context". Posthorn makes no spans
 * of its own, so it passes on what it got as it is.
 */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Version 00 has nothing more; later ones may go on behind a further hyphen. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const VERSION_00_CHARS = 55;
/** A later version may be longer, but what is kept with a publication has a bound. */
const TRACEPARENT_MAX_CHARS = 128;
/** What the recommendation wants at least to be passed on, and nobody needs more. */
const TRACESTATE_MAX_CHARS = 512;

/**
 * Reads the two headers; undefined without a valid `traceparent`, as the recommendation says. A
 * `tracestate` that is too long, or no printable ASCII, is left out.
 */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate?: string,
): TraceContext | undefined {
  if (traceparent === undefined || !isTraceparent(traceparent)) return undefined;
  return { traceparent, ...(tracestate && isTracestate(tracestate) && { tracestate }) };
}

/** What log lines name it by. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.split("-", 2)[1] ?? "";
}

/** The tags of a publication that belongs to a trace: listeners may go on with it. */
export function traceTags(trace: TraceContext | undefined) {
  return trace && { traceparent: trace.traceparent };
}

function isTraceparent(text: string): boolean {
  const version = TRACEPARENT.exec(text)?.[1];
  if (version === undefined) return false;
  return version === "00" ? text.length === VERSION_00_CHARS : text.length <= TRACEPARENT_MAX_CHARS;
}

function isTracestate(text: string): boolean {
  return text.length <= TRACESTATE_MAX_CHARS && /^[\x20-\x7e]+$/.test(text);
}
