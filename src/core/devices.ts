import type { Admission, Standing } from "./device-admission.ts";
import { checkMeta, checkName, unknownDevice } from "./device-fields.ts";
import { type DeviceId, parseDeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type {
  DeviceChange,
  DeviceCondition,
  DevicePage,
  DeviceRecord,
  DeviceRecords,
  PushTarget,
} from "./ports/device-records.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Secrets } from "./ports/secrets.ts";
import { createRecentRecords, type RecentRecords } from "./recent-records.ts";

/** What others may know of a device. */
export interface Device extends Omit<DeviceRecord, "secretHash" | "push"> {
  /** Who can wake it. By what is between the two. */
  readonly pushProvider?: string;
}

/** A device and the secret that lets it in. The secret exists nowhere else. */
export interface DeviceCredentials {
  readonly id: DeviceId;
  readonly secret: string;
}

/** What a device is called and described by. */
export interface DeviceDescription {
  readonly name?: string;
  /** JSON text of an object; of a merge patch (RFC 7396) where there is one already. */
  readonly meta?: string;
}

export interface DeviceRequest extends DeviceDescription {
  /** Absent: one is made. */
  readonly id?: DeviceId;
  /** A terminal with the fleet's key may get a secret of the device. */
  readonly enroll?: boolean;
}

/**
 * The devices that may post. Methods that name one throw `device_unknown`; those that take a
 * description also `device_name_malformed`, `device_meta_invalid` and `device_meta_too_large`. What
 * another process changes takes effect within a second, what this one changes at once.
 */
export interface Devices {
  /** Throws `device_exists` or `devices_full`. */
  add(request: DeviceRequest): Promise<DeviceCredentials & { readonly device: Device }>;
  find(id: DeviceId): Promise<Device>;
  /** In order of id; never more than `LIMITS.devicesPerPage`. */
  list(page: DevicePage): Promise<readonly Device[]>;
  change(id: DeviceId, change: Omit<DeviceRequest, "id">): Promise<Device>;
  /** Gives the device a new secret, which ends the old one. */
  rotate(id: DeviceId): Promise<DeviceCredentials>;
  remove(id: DeviceId): Promise<void>;
  /**
   * What a terminal with the fleet's key asks for: adds the device, or gives it a new secret where it
   * has not used the one it got so, or where the backend lets it. Throws `device_enrolled` or
   * `devices_full`.
   */
  enroll(id: DeviceId, description: DeviceDescription): Promise<DeviceCredentials>;
  /** Null forgets by what the device can be woken. */
  setPush(id: DeviceId, target: PushTarget | null): Promise<void>;
  /**
   * Resolves when the secret is the device's own, to what tells later whether it still is. Otherwise
   * throws `secret_wrong`, with the same words and after the same work for an unknown device.
   */
  authenticate(id: DeviceId, secret: string): Promise<Device & Admission>;
}

export interface DevicesOptions {
  readonly records: DeviceRecords;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export function createDevices(options: DevicesOptions): Devices {
  return new Registry(options);
}

class Registry implements Devices {
  readonly #options: DevicesOptions;
  readonly #recent: RecentRecords;
  /** The hash that a secret is compared with when there is no device to compare it with. */
  #decoy: Promise<{ readonly hash: string }> | undefined;

  constructor(options: DevicesOptions) {
    this.#options = options;
    this.#recent = createRecentRecords(options);
  }

  async add({ id = this.#newId(), enroll, ...description }: DeviceRequest) {
    const enrollment = enroll ? "open" : "closed";
    const added = await this.#add(id, { ...description, enrollment });
    if (added !== "taken") return added;
    throw new Fault("device_exists", { detail: `the id ${JSON.stringify(id)} is taken` });
  }

  async find(id: DeviceId): Promise<Device> {
    const record = await this.#options.records.device(id);
    if (record === undefined) throw unknownDevice(id);
    return withoutSecrets(record);
  }

  async list(page: DevicePage): Promise<readonly Device[]> {
    const limit = Math.min(page.limit, LIMITS.devicesPerPage);
    return (await this.#options.records.devices({ ...page, limit })).map(withoutSecrets);
  }

  async change(id: DeviceId, { enroll, ...description }: Omit<DeviceRequest, "id">) {
    const changed = await this.#change(id, {
      ...changeOf(description),
      ...(enroll !== undefined && { enrollment: enroll ? "open" : "closed" }),
    });
    if (changed === undefined) throw unknownDevice(id);
    return withoutSecrets(changed);
  }

  async rotate(id: DeviceId): Promise<DeviceCredentials> {
    const { secret, hash: secretHash } = await this.#options.secrets.issue();
    if ((await this.#change(id, { secretHash })) === undefined) throw unknownDevice(id);
    return { id, secret };
  }

  async remove(id: DeviceId): Promise<void> {
    if (!(await this.#written(id, this.#options.records.removeDevice(id)))) throw unknownDevice(id);
  }

  async enroll(id: DeviceId, description: DeviceDescription): Promise<DeviceCredentials> {
    if ((await this.#options.records.device(id)) === undefined) {
      const added = await this.#add(id, { ...description, enrollment: "fresh" });
      if (added !== "taken") return { id, secret: added.secret };
    }
    const { secret, hash: secretHash } = await this.#options.secrets.issue();
    const change = { ...changeOf(description), secretHash, enrollment: "fresh" } as const;
    if ((await this.#change(id, change, { enrollable: true })) !== undefined) return { id, secret };
    const detail = "it has a secret that it used; the backend can let it enroll again";
    throw new Fault("device_enrolled", { detail });
  }

  async setPush(id: DeviceId, push: PushTarget | null): Promise<void> {
    if ((await this.#change(id, { push })) === undefined) throw unknownDevice(id);
  }

  async authenticate(id: DeviceId, secret: string): Promise<Device & Admission> {
    const { secrets } = this.#options;
    this.#decoy ??= secrets.issue();
    const [record, { hash }] = await Promise.all([this.#recent.read(id), this.#decoy]);
    const matches = await secrets.matches(secret, record?.secretHash ?? hash);
    if (record !== undefined && matches) {
      const { secretHash } = record;
      return { ...withoutSecrets(record), standing: () => this.#standing(id, secretHash) };
    }
    const detail = "the device is not known here or its secret is another one";
    throw new Fault("secret_wrong", { detail });
  }

  async #standing(id: DeviceId, secretHash: string): Promise<Standing> {
    const record = await this.#recent.read(id);
    if (record === undefined) return "gone";
    return record.secretHash === secretHash ? "good" : "revoked";
  }

  async #add(id: DeviceId, { name = "", meta = "{}", enrollment }: Described) {
    const { records, secrets, clock } = this.#options;
    const { secret, hash: secretHash } = await secrets.issue();
    const device = {
      ...{ id, name: checkName(name), meta: checkMeta(meta), enrollment },
      createdAtMs: clock.nowMs(),
    };
    const outcome = await this.#written(id, records.addDevice({ ...device, secretHash }));
    if (outcome === "taken") return outcome;
    if (outcome === "added")
      return { id, secret, device: { ...device, online: false, generation: 0 } };
    const detail = `there are ${LIMITS.devicesMax} already, which is the most`;
    throw new Fault("devices_full", { detail });
  }

  #change(id: DeviceId, change: DeviceChange, condition?: DeviceCondition) {
    return this.#written(id, this.#options.records.changeDevice(id, change, condition));
  }

  /** Also what failed may have been written. */
  async #written<Outcome>(id: DeviceId, writing: Promise<Outcome>): Promise<Outcome> {
    try {
      return await writing;
    } finally {
      this.#recent.forget(id);
    }
  }

  #newId(): DeviceId {
    return parseDeviceId(this.#options.entropy.uuid());
  }
}

interface Described extends DeviceDescription {
  readonly enrollment: DeviceRecord["enrollment"];
}

function changeOf({ name, meta }: DeviceDescription): DeviceChange {
  return {
    ...(name !== undefined && { name: checkName(name) }),
    ...(meta !== undefined && { metaPatch: checkMeta(meta) }),
  };
}

function withoutSecrets({ secretHash: _, push, ...device }: DeviceRecord): Device {
  return push === undefined ? device : { ...device, pushProvider: push.provider };
}
