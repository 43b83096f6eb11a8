import { type DeviceId, parseDeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { DeviceRecord, DeviceRecords } from "./ports/engine.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Secrets } from "./ports/secrets.ts";

/** What others may know of a device. */
export type Device = Omit<DeviceRecord, "secretHash">;

/** A device and the secret that lets it in. The secret exists nowhere else. */
export interface DeviceCredentials {
  readonly id: DeviceId;
  readonly secret: string;
}

/** The devices that may post. */
export interface Devices {
  /** Without an id one is made. Throws `device_exists` or `device_name_malformed`. */
  add(device: { readonly id?: DeviceId; readonly name?: string }): Promise<DeviceCredentials>;
  /** In order of id, starting after `after`. */
  list(page: { readonly after?: DeviceId; readonly limit: number }): Promise<readonly Device[]>;
  /** Gives the device a new secret, which ends the old one. Throws `device_unknown`. */
  rotate(id: DeviceId): Promise<DeviceCredentials>;
  /** Throws `device_unknown`. */
  remove(id: DeviceId): Promise<void>;
  /**
   * Resolves when the secret is the device's own. Otherwise throws `secret_wrong`, with the same
   * words and after the same work for an unknown device. What another process changes takes effect
   * within {@link RECORD_FRESH_MS}, what this one changes at once.
   */
  authenticate(id: DeviceId, secret: string): Promise<Device>;
}

export interface DevicesOptions {
  readonly records: DeviceRecords;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Spares a busy device one read per post. */
const RECORD_FRESH_MS = 1_000;

export function createDevices(options: DevicesOptions): Devices {
  const { records, secrets, clock, entropy } = options;
  const recent = createRecentRecords(options);
  let decoy: Promise<{ readonly hash: string }> | undefined;

  /** The hash that a secret is compared with when there is no device to compare it with. */
  function decoyHash(): Promise<{ readonly hash: string }> {
    decoy ??= secrets.issue();
    return decoy;
  }

  return {
    async add({ id = parseDeviceId(entropy.uuid()), name = "" }) {
      const { secret, hash: secretHash } = await secrets.issue();
      const record = { id, name: checkName(name), secretHash, createdAtMs: clock.nowMs() };
      const added = await records.addDevice(record);
      recent.forget(id);
      if (!added) throw new Fault("device_exists", { detail: `the id ${quote(id)} is taken` });
      return { id, secret };
    },
    async list(page) {
      return (await records.devices(page)).map(withoutSecret);
    },
    async rotate(id) {
      const { secret, hash } = await secrets.issue();
      const known = await records.setDeviceSecret(id, hash);
      recent.forget(id);
      if (!known) throw unknown(id);
      return { id, secret };
    },
    async remove(id) {
      const known = await records.removeDevice(id);
      recent.forget(id);
      if (!known) throw unknown(id);
    },
    async authenticate(id, secret) {
      const [record, { hash }] = await Promise.all([recent.read(id), decoyHash()]);
      const matches = await secrets.matches(secret, record?.secretHash ?? hash);
      if (record !== undefined && matches) return withoutSecret(record);
      const detail = "the device is not known here or its secret is another one";
      throw new Fault("secret_wrong", { detail });
    },
  };
}

interface RecentRecords {
  read(id: DeviceId): Promise<DeviceRecord | undefined>;
  forget(id: DeviceId): void;
}

/** Shares one read among everyone who asks for the same record within {@link RECORD_FRESH_MS}. */
function createRecentRecords({ records, clock }: DevicesOptions): RecentRecords {
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

function withoutSecret({ id, name, createdAtMs }: DeviceRecord): Device {
  return { id, name, createdAtMs };
}

function checkName(name: string): string {
  // Control characters could forge a line of a list or of a log.
  if (name.length <= LIMITS.deviceNameMaxChars && !/\p{Cc}/u.test(name)) return name;
  const detail = `got ${quote(name.slice(0, 80))}, wanted at most ${LIMITS.deviceNameMaxChars} characters on one line`;
  throw new Fault("device_name_malformed", { detail });
}

function unknown(id: DeviceId): Fault {
  return new Fault("device_unknown", { detail: `there is no device ${quote(id)}` });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
