import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Tell } from "../core/ports/metrics.ts";

/** Tells how large a store's files are, and how much room there is beside them. */
export async function tellDisk(tell: Tell, file: string): Promise<void> {
  tell("posthorn_disk_free_bytes", {}, await freeBytes(file));
  tell("posthorn_store_bytes", { file: "database" }, (await stat(file)).size);
  tell("posthorn_store_bytes", { file: "log" }, (await stat(`${file}-wal`)).size);
}

/** The room on a file's disk that is not kept for root. */
export async function freeBytes(file: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(file));
  return bavail * bsize;
}
