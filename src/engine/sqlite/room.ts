import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Location } from "./wire.ts";

/** A disk that has less left refuses the next event of some size, whatever it took just now. */
const ROOM_MIN_BYTES = 1024 * 1024;

/** Whether a disk that was full has room again. Where nobody can tell, what the store says counts alone. */
export function hasRoom(location: Location, wantedBytes = ROOM_MIN_BYTES): boolean {
  if (location === "memory") return true;
  try {
    const { bavail, bsize } = statfsSync(dirname(location.file));
    return bavail * bsize >= wantedBytes;
  } catch {
    return true;
  }
}
