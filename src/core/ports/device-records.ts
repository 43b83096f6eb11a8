import type { DeviceId } from "../device-id.ts";
import type { PresenceChange, PresenceTransition } from "../presence-event.ts";

/**
 * Whether a terminal with the fleet's key may get a secret of this device. "fresh": it enrolled and
 * has not used its secret yet, so a lost answer may be asked for again; "open": the backend lets it
 * enroll anew.
 */
export type Enrollment = "closed" | "fresh" | "open";

/** By what a device can be woken. */
export interface PushTarget {
  /** As the configuration calls it. */
  readonly provider: string;
  /** What names the device to its provider. */
  readonly token: string;
}

/** When and how a device was heard of last. */
export interface Sighting {
  readonly seenAtMs: number;
  /** Of the TCP connection, or what a trusted proxy said. */
  readonly address: string;
  /** What its `X-App-Version` header said last. Absent: it has never said any. */
  readonly appVersion?: string | undefined;
}

/** What a new device is stored with. */
export interface NewDevice {
  readonly id: DeviceId;
  readonly name: string;
  /** JSON text of an object on one line. */
  readonly meta: string;
  /** Hash of the secret, as `core/ports/secrets.ts` makes it; never the secret. */
  readonly secretHash: string;
  readonly enrollment: Enrollment;
  readonly createdAtMs: number;
}

export interface DeviceRecord extends NewDevice {
  /** Absent: it was never heard of. */
  readonly sighting?: Sighting;
  /** By its newest stored transition; false before the first. */
  readonly online: boolean;
  /** Of its newest transition; 0 before the first. See {@link PresenceTransition.generation}. */
  readonly generation: number;
  /** When its newest transition was. */
  readonly presenceAtMs?: number;
  readonly push?: PushTarget;
}

/** What is to be changed of a device; what is absent stays. */
export interface DeviceChange {
  readonly name?: string;
  /** JSON text of a merge patch (RFC 7396), an object. */
  readonly metaPatch?: string;
  readonly secretHash?: string;
  readonly enrollment?: Enrollment;
  /** Null forgets it. */
  readonly push?: PushTarget | null;
}

/** What must be so for a change to be made; else nothing is. */
export interface DeviceCondition {
  /** Enrolling is not closed. */
  readonly enrollable?: true;
  /** It still has this target. */
  readonly push?: PushTarget;
}

export interface DevicePage {
  /** Starting after this id. */
  readonly after?: DeviceId;
  readonly limit: number;
  /** Only those whose id or name contains this text, whatever its case (ASCII). */
  readonly search?: string;
  readonly online?: boolean;
}

/** What became of a new device. */
export type DeviceAdded = "added" | "taken" | "full";

/** Keeps who the devices are. Every write is durable when it resolves. */
export interface DeviceRecords {
  /** "full": there are `LIMITS.devicesMax` already. Where it is not "added", nothing changed. */
  addDevice(device: NewDevice): Promise<DeviceAdded>;
  /**
   * Changes one device and resolves to it as it is then; undefined, changing nothing, when there is no
   * such device or `condition` does not hold. Rejects with `device_meta_too_large` where the patched
   * meta would be longer than `LIMITS.deviceMetaMaxChars`.
   */
  changeDevice(
    id: DeviceId,
    change: DeviceChange,
    condition?: DeviceCondition,
  ): Promise<DeviceRecord | undefined>;
  /**
   * Keeps the newest sighting of each; unknown devices are left out. One that was "fresh" is "closed"
   * from then on: its secret has arrived.
   */
  noteSightings(sightings: ReadonlyMap<DeviceId, Sighting>): Promise<void>;
  /**
   * Stores one transition with the next generation, publishes it (`presenceEvent`) and puts it
   * in the outbox, in one transaction. Undefined, changing nothing, with an unknown device and with
   * one that is so on record already.
   */
  changePresence(change: PresenceChange): Promise<PresenceTransition | undefined>;
  /**
   * Removes the record with its bindings, state and commands, what is known of the ids of its events,
   * and the history of its channel, as `removeHistory` does: who gets the id next finds nothing of
   * who had it before, and offsets and generations go on. What waits in the outbox stays there, for it
   * has happened. False when there is no such device.
   */
  removeDevice(id: DeviceId): Promise<boolean>;
  device(id: DeviceId): Promise<DeviceRecord | undefined>;
  /** In order of id. */
  devices(page: DevicePage): Promise<readonly DeviceRecord[]>;
}
