import { Fault } from "../core/faults.ts";
import type { RouteContext } from "./backend-auth.ts";

/** What a refusal quotes. */
const QUOTED_MAX_CHARS = 40;

/**
 * Throws `query_invalid` for a parameter that the route does not have: like an unknown member of a
 * body it is a mistake, and who is not told believes that it did something.
 */
export function checkQuery({ req }: RouteContext, known: readonly string[]): void {
  const unknown = Object.keys(req.queries()).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const found = JSON.stringify(unknown.slice(0, QUOTED_MAX_CHARS).toWellFormed());
  const wanted = known.length === 0 ? "it takes none" : `known are ${known.join(", ")}`;
  throw new Fault("query_invalid", { detail: `the parameter ${found} is unknown, ${wanted}` });
}
