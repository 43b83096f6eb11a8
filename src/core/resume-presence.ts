import type { DevicePresence, RememberedDevice } from "./device-presence.ts";
import { LIMITS } from "./limits.ts";
import type { DeviceRecords } from "./ports/device-records.ts";

/** Hands every device on record as online to the presence: one that does not come back will be told of. */
export async function resumePresence(
  presence: Pick<DevicePresence, "resume">,
  records: Pick<DeviceRecords, "devices">,
): Promise<void> {
  const limit = LIMITS.devicesPerPage;
  let after: RememberedDevice["device"] | undefined;
  while (true) {
    const page = await records.devices({ online: true, limit, ...(after && { after }) });
    presence.resume(page.map(({ id, sighting }) => ({ device: id, seenAtMs: sighting?.seenAtMs })));
    after = page.at(-1)?.id;
    if (page.length < limit) return;
  }
}
