import { readdir, readFile, stat } from "node:fs/promises";
import { platform } from "node:os";
import { parseOpenFilesMax } from "../core/open-files-max.ts";
import type { Tell } from "../core/ports/metrics.ts";

/** What the process uses of the machine. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** Tells what the process uses. */
export function tellUsage(
  tell: Tell,
  { cpuSeconds, residentBytes, heapBytes }: ProcessUsage,
): void {
  tell("posthorn_process_cpu_seconds_total", {}, cpuSeconds);
  tell("posthorn_process_resident_memory_bytes", {}, residentBytes);
  tell("posthorn_process_heap_bytes", {}, heapBytes);
}

/** Tells how many files are open and may be. Only Linux says so; elsewhere it tells nothing. */
export async function tellOpenFiles(tell: Tell): Promise<void> {
  if (platform() !== "linux") return;
  const [files, limits] = await Promise.all([
    countOpenFiles("/proc/self/fd"),
    readFile("/proc/self/limits", "utf8"),
  ]);
  tell("posthorn_process_open_files", {}, files);
  const max = parseOpenFilesMax(limits);
  if (max !== undefined) tell("posthorn_process_open_files_max", {}, max);
}

/** Linux tells from 6.2 on by the directory's size; before, all names must be read. */
async function countOpenFiles(directory: string): Promise<number> {
  const { size } = await stat(directory);
  return size > 0 ? size : (await readdir(directory)).length;
}
