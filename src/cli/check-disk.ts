import { bytesText, DISK_FULL_BYTES } from "../doctor/judge-machine.ts";
import { diskOf } from "../doctor/observe-machine.ts";
import type { Finding } from "./checks.ts";

/** Whether there is room for what the store is to keep; nothing where there is, or where nobody can tell. */
export async function probeRoom(file: string, wantedBytes = DISK_FULL_BYTES): Promise<Finding[]> {
  const disk = await diskOf(file);
  if (disk === undefined || disk.freeBytes >= wantedBytes) return [];
  const { freeBytes, totalBytes } = disk;
  const found = `${bytesText(freeBytes)} free of ${bytesText(totalBytes)} on the disk of ${file}, wanted ${bytesText(wantedBytes)}: posts are refused when it is full`;
  const remedy = "Make room now, or move server.data to a larger disk";
  return [{ status: "fail", found, remedy }];
}
