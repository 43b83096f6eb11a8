import type { Config } from "../config/config.ts";
import { Fault } from "../core/faults.ts";
import { freeBytes } from "../telemetry/disk-figures.ts";

/** A post is written to the log and then to the database. */
const COPIES = 2;

/**
 * Throws `store_full` where the largest body would not fit on the disk any more: what is small may
 * still be stored then, but not for long.
 */
export async function checkDisk({
  store,
  limits,
}: Pick<Config, "store" | "limits">): Promise<void> {
  if (store.location === "memory") return;
  const wanted = COPIES * limits.bodyMaxBytes;
  const free = await freeBytes(store.location.file);
  if (free >= wanted) return;
  const detail = `the disk has ${free} bytes left, wanted ${wanted} (limits.body_max_bytes, twice)`;
  throw new Fault("store_full", { detail });
}
