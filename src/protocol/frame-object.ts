import { Fault } from "../core/faults.ts";

/** The JSON object that a frame is, or throws `frame_malformed`. */
export function parseFrame(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw malformedFrame("it is not a JSON object");
}

/** The refusal of a frame that means nothing. */
export function malformedFrame(detail: string): Fault {
  return new Fault("frame_malformed", { detail });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("frame_malformed", { detail: "it is not JSON", cause });
  }
}
