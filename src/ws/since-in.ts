import type { Position } from "../core/publication.ts";
import type { SubscribeRequest } from "../protocol/client-frame.ts";

/** The position to recover from that a request names, if it wants that. */
export function sinceIn({
  recover,
  epoch = "",
  offset = 0,
}: Pick<SubscribeRequest, "recover" | "epoch" | "offset"> = {}): readonly Position[] {
  return recover ? [{ epoch, offset }] : [];
}
