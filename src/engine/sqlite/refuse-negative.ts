/** Throws for a count below none: to SQLite a negative limit is no limit. */
export function refuseNegative(what: string, count: number): void {
  if (count < 0) throw new RangeError(`Cannot ${what} is ${count}`);
}
