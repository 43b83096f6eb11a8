import type { EventPost } from "../core/device-events.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodeEvent, type EventBodyLimits, noEvent } from "../protocol/event-body.ts";
import { bodyChunks, Deadline } from "./body-chunks.ts";
import type { EventReport } from "./event-report.ts";
import { type LineWindow, lineWindows } from "./line-windows.ts";
import type { BodyLimits } from "./request-body.ts";
import { packingOf, unpackPieces } from "./unpacking.ts";

export interface EventLinesLimits extends BodyLimits, EventBodyLimits {
  /** Of the whole body, as sent and unpacked. */
  readonly ndjsonMaxBytes: number;
}

interface Storing {
  readonly post: EventPost;
  readonly report: EventReport;
  readonly limits: EventLinesLimits;
  readonly clock: Clock;
}

/**
 * Stores the events of a body that has one per line, window by window, and no more than one window is
 * held: as much as a body of another form may have. Each window has the time that such a body has to
 * arrive; so a sender that is slow but gets on is waited for, and one that stops is not.
 *
 * Resolves to why it ended before its end, if it did. What was stored until then stays so: of a body
 * that broke off every whole line, unless the request has a key and can be sent again under it.
 */
export async function storeEventLines(
  request: Request,
  storing: Storing,
): Promise<Fault | undefined> {
  const { clock, report } = storing;
  // As they are now: they may change while the lines come.
  const limits = { ...storing.limits };
  using deadline = new Deadline(limits.bodyTimeoutMs, clock);
  for await (const window of windowsOf(request, limits, deadline)) {
    deadline.stop();
    const refusal = await storeWindow(window, storing);
    if (refusal !== undefined) return refusal;
    deadline.renew();
  }
  return report.count === 0 ? noEvent() : undefined;
}

function windowsOf(
  request: Request,
  { ndjsonMaxBytes, eventMaxBytes, eventsPerPost, bodyMaxBytes }: EventLinesLimits,
  deadline: Deadline,
): AsyncIterable<LineWindow> {
  const packing = packingOf(request);
  const chunks = bodyChunks(request, { maxBytes: ndjsonMaxBytes, deadline });
  return lineWindows(unpackPieces(chunks, packing, ndjsonMaxBytes), {
    lineMaxBytes: eventMaxBytes,
    linesMax: eventsPerPost,
    charsMax: bodyMaxBytes,
  });
}

async function storeWindow(
  { lines, end, trouble }: LineWindow,
  { post, report, limits }: Storing,
): Promise<Fault | undefined> {
  const found = report.count + lines.length;
  if (found > LIMITS.eventsPerNdjson) {
    const detail = `got ${found} events or more, at most ${LIMITS.eventsPerNdjson} are allowed in one body`;
    return new Fault("body_too_large", { detail });
  }
  const events = lines.map((line) => (line instanceof Fault ? line : decodeEvent(line, limits)));
  const { outcomes, refusal } = await post.store(events, end);
  report.add(
    outcomes,
    lines.reduce((sum, line) => sum + (line instanceof Fault ? 0 : line.length), 0),
  );
  return refusal ?? trouble;
}
