/**
 * Throws for text with a NUL anywhere in `value`: Deno's `node:sqlite` gives such text back cut off
 * there, so an id could come back as another one. Whoever lets text in refuses it with kinder words.
 */
export function refuseNul(value: unknown): void {
  if (typeof value === "string") {
    const at = value.indexOf("\0");
    if (at >= 0) throw new RangeError(`Cannot store text: it has a NUL at ${at}`);
  } else if (typeof value === "object" && value !== null) {
    for (const key in value) refuseNul((value as Record<string, unknown>)[key]);
  }
}
