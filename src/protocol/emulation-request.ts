import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { wordsOf } from "./issue-words.ts";

const EmulationFields = z.object({
  session: z.string().min(1),
  node: z.string().min(1),
  /** The text of one frame of the client protocol. */
  data: z.string(),
});

/** What a client whose response is held open sends: a frame, and to whom. */
export type EmulationRequest = z.infer<typeof EmulationFields>;

/** Decodes the body of `POST /emulation`, or throws `body_malformed`. */
export function decodeEmulationRequest(text: string): EmulationRequest {
  const value = parseJson(text);
  const parsed = EmulationFields.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault("body_malformed", { detail: wordsOf(parsed.error, value, EmulationFields) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it is not JSON", cause });
  }
}
