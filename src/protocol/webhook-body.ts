import { z } from "zod";
import { decodeBody } from "./json-body.ts";
import { Printable } from "./key-text.ts";

/** The body of `POST /v1/webhooks/dead/replay`. */
export const ReplayBody = z.strictObject({
  endpoint: Printable.min(1).describe(
    "The webhook, as the server's configuration calls it: GET /v1/webhooks lists them",
  ),
  id: Printable.min(1)
    .describe("Of one dead letter. Absent: all of the endpoint, so many at a time")
    .optional(),
});

/** Which dead letters are to be delivered after all. */
export interface ReplayRequest {
  readonly endpoint: string;
  /** Absent: all of the endpoint. */
  readonly id?: string;
}

/** Decodes a {@link ReplayBody}, or throws `body_malformed` or `replay_invalid`. */
export function decodeReplay(text: string): ReplayRequest {
  const { endpoint, id } = decodeBody(ReplayBody, text, "replay_invalid");
  return { endpoint, ...(id !== undefined && { id }) };
}
