import { createEntry, type Entry, type EntryOptions } from "../http/entry.ts";
import { measureEntry } from "../http/measured-entry.ts";
import type { PartsSurroundings } from "./live-parts.ts";

/** What every request passes first: it is measured, and named by its trace, whatever becomes of it. */
export function createDoor(
  around: PartsSurroundings,
  parts: Omit<EntryOptions, "clock" | "log" | "metrics">,
): Entry {
  const { clock, metrics, traced } = around;
  const entry = createEntry({ ...parts, clock, metrics, log: traced.log });
  return measureEntry(entry, { ...traced, app: parts.app, clock, metrics });
}
