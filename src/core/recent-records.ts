import type { DeviceId } from "./device-id.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { DeviceRecord, DeviceRecords } from "./ports/device-records.ts";

/** Records that were read a moment ago. */
export interface RecentRecords {
  read(id: DeviceId): Promise<DeviceRecord | undefined>;
  /** To be called after every change of the record. */
  forget(id: DeviceId): void;
}

export interface RecentRecordsOptions {
  readonly records: Pick<DeviceRecords, "device">;
  readonly clock: Clock;
}

/** Spares a busy device one read per post. */
const RECORD_FRESH_MS = 1_000;

/** Shares one read among everyone who asks for the same record within {@link RECORD_FRESH_MS}. */
export function createRecentRecords({ records, clock }: RecentRecordsOptions): RecentRecords {
  interface Reading {
    readonly record: Promise<DeviceRecord | undefined>;
    readonly startedAtMs: number;
  }
  // Oldest reading first. Unknown devices are kept too: asking for them must not cost more.
  const readings = new Map<DeviceId, Reading>();

  function start(id: DeviceId): Reading {
    // Timed from its start: the record may be as old as that.
    const reading = { record: records.device(id), startedAtMs: clock.monotonicMs() };
    readings.delete(id);
    readings.set(id, reading);
    const [oldest] = readings.keys();
    if (readings.size > LIMITS.recentDevices && oldest !== undefined) readings.delete(oldest);
    return reading;
  }

  return {
    async read(id) {
      const known = readings.get(id);
      const isFresh = known && clock.monotonicMs() - known.startedAtMs < RECORD_FRESH_MS;
      const reading = isFresh ? known : start(id);
      try {
        return await reading.record;
      } catch (error) {
        // What failed is asked again, unless someone already does.
        if (readings.get(id) === reading) readings.delete(id);
        throw error;
      }
    },
    forget: (id) => void readings.delete(id),
  };
}
