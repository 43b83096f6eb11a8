import type { z } from "zod";

/** What a schema found wrong, in one line: each place with what is wrong there. */
export function wordsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${placeOf(path)}: ${message}`).join("; ");
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the whole" : path.map(String).join(".");
}
