import type { PartEnd } from "../core/event-names.ts";
import { Fault } from "../core/faults.ts";
import { type Line, LineCutter } from "./line-cutter.ts";

/** What may be held of a body's lines at a time. */
export interface WindowLimits {
  readonly lineMaxBytes: number;
  readonly linesMax: number;
  /** Of all the lines; one line that is longer is held all the same. */
  readonly charsMax: number;
}

/** Some of a body's lines. */
export interface LineWindow {
  readonly lines: readonly Line[];
  readonly end: PartEnd;
  /** Why the body broke off behind these lines. */
  readonly trouble?: Fault;
}

/**
 * Parts a body of lines into windows that are as large as allowed. Where one window ends depends on
 * the lines only, never on how they came. The body is read no further than to the line that does not
 * fit in the window.
 */
export async function* lineWindows(
  chunks: AsyncIterable<Uint8Array>,
  limits: WindowLimits,
): AsyncGenerator<LineWindow> {
  let lines: Line[] = [];
  let chars = 0;
  try {
    for await (const line of linesOf(chunks, limits.lineMaxBytes)) {
      const weight = line instanceof Fault ? line.message.length : line.length;
      if (
        lines.length === limits.linesMax ||
        (lines.length > 0 && chars + weight > limits.charsMax)
      ) {
        yield { lines, end: "more" };
        lines = [];
        chars = 0;
      }
      lines.push(line);
      chars += weight;
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    yield { lines, end: "broken", trouble: error };
    return;
  }
  yield { lines, end: "last" };
}

async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  lineMaxBytes: number,
): AsyncGenerator<Line> {
  const cutter = new LineCutter(lineMaxBytes);
  for await (const chunk of chunks) yield* cutter.push(chunk);
  yield* cutter.end();
}
