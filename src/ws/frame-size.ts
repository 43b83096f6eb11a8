import { utf8Length } from "../core/utf8-length.ts";

/** Whether a frame weighs more; the host's own bound is that of whoever may send the longest. */
export function isTooLarge(text: string | undefined, maxBytes: number): boolean {
  if (text === undefined) return false;
  // Most frames are so short that nobody has to count.
  return text.length > maxBytes || (3 * text.length > maxBytes && utf8Length(text) > maxBytes);
}
