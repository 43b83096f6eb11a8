import { createDelta } from "fossil-delta";
import type { Publication } from "../core/publication.ts";
import type { SentPublication } from "../protocol/server-frame.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The whole publication as subscribers of differences get it: its data is a JSON string. */
export function asWhole(publication: Publication): SentPublication {
  return { ...publication, data: JSON.stringify(publication.data) };
}

/** The publication as a difference to `previous`, or whole where a difference would not be shorter. */
export function asDifference(previous: Publication, publication: Publication): SentPublication {
  const target = encoder.encode(publication.data);
  const patch = Uint8Array.from(createDelta(encoder.encode(previous.data), target));
  const text = patch.byteLength < target.byteLength ? asText(patch) : undefined;
  if (text === undefined) return asWhole(publication);
  return { ...publication, data: JSON.stringify(text), delta: true };
}

/** What a subscriber of differences recovers: the first whole, each next one against its predecessor. */
export function asChain(publications: readonly Publication[]): SentPublication[] {
  return publications.map((publication, index) => {
    const previous = publications[index - 1];
    return previous === undefined ? asWhole(publication) : asDifference(previous, publication);
  });
}

/** A difference that cuts through a character is no text, so it cannot travel in JSON. */
function asText(patch: Uint8Array): string | undefined {
  try {
    return decoder.decode(patch);
  } catch {
    return undefined;
  }
}
