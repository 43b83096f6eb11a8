import { Fault } from "../core/faults.ts";
import type { RouteContext } from "./backend-auth.ts";

/** What a number of the query may be, and what it is where the query does not say. */
export interface NumberRange {
  readonly least: number;
  /** Larger ones are taken for this one. */
  readonly most: number;
  readonly fallback: number;
}

/** A whole number of the query, or throws `query_invalid`. */
export function queryNumber(c: RouteContext, name: string, range: NumberRange): number {
  const { least, most, fallback } = range;
  const text = c.req.query(name);
  if (text === undefined || text === "") return fallback;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Math.min(Number(text), most);
  const found = JSON.stringify(text.slice(0, 40));
  const detail = `${name} is ${found}, wanted a whole number from ${least} to ${most}`;
  throw new Fault("query_invalid", { detail });
}
