import { Buffer } from "node:buffer";
import type { Position } from "../core/publication.ts";
import type { SubscribeResult } from "../protocol/server-frame.ts";
import { positionAfter } from "./open-subscription.ts";

/**
 * Where every channel of a connect push stood, as one opaque value that fits into a URL. A client
 * that comes back with it gets all that was published since that push.
 */
export function encodeResume(subs: ReadonlyMap<string, SubscribeResult>): string {
  const positions = [...subs].flatMap(([channel, { recoverable, opened }]) => {
    const { epoch, offset } = positionAfter(opened);
    return recoverable ? [[channel, epoch, offset]] : [];
  });
  return Buffer.from(JSON.stringify(positions)).toString("base64url");
}

/** The positions by channel; none when the text is not one of ours. */
export function parseResume(text: string): Map<string, Position> {
  const positions = new Map<string, Position>();
  if (text === "") return positions;
  const entries = parseEntries(text);
  for (const entry of entries) {
    const [channel, epoch, offset] = Array.isArray(entry) ? entry : [];
    if (typeof channel === "string" && typeof epoch === "string" && Number.isSafeInteger(offset)) {
      positions.set(channel, { epoch, offset });
    }
  }
  return positions;
}

function parseEntries(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch {
    // Whoever made it up recovers nothing, and is told so by the connect push.
    return [];
  }
}
