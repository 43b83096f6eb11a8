import type { DeviceId } from "../../core/device-id.ts";
import { encodeState } from "../../core/device-state-text.ts";
import { Fault } from "../../core/faults.ts";
import { type Identity, maySee } from "../../core/grants.ts";
import type { DeviceRecord } from "../../core/ports/device-records.ts";
import { decodeGetDevice, decodeListDevices } from "../../protocol/rpc-body.ts";
import type { ClientServices } from "../client-services.ts";
import { unseen } from "./command-methods.ts";
import type { OwnMethod } from "./own-method.ts";

/** `device.get`: one device with its state. */
export const getDevice: OwnMethod = ({ identity, services }, data) => {
  const id = decodeGetDevice(data);
  if (!maySee(identity, id)) throw unseen(id);
  return {
    waits: false,
    async answer() {
      const [record, state] = await Promise.all([
        services.devices.device(id),
        services.states.deviceState(id),
      ]);
      if (record === undefined) {
        throw new Fault("device_unknown", { detail: `there is no device "${id}"` });
      }
      return `${textOf(services.sightings.lastSeen(record)).slice(0, -1)},"state":${encodeState(state)}}`;
    },
  };
};

/** `device.list`: a page of the devices that the client may see, in order of id. */
export const listDevices: OwnMethod = ({ identity, services }, data) => {
  const page = decodeListDevices(data);
  return {
    waits: false,
    async answer() {
      const { found, next } = identity.unrestricted
        ? await pageOfAll(services, page)
        : await pageOfSeen(services, identity, page);
      const texts = found.map((record) => textOf(services.sightings.lastSeen(record)));
      return `{"devices":[${texts.join()}]${next === undefined ? "" : `,"next":"${next}"`}}`;
    },
  };
};

type AskedPage = ReturnType<typeof decodeListDevices>;

interface FoundPage {
  readonly found: readonly DeviceRecord[];
  /** There may be more after this one. */
  readonly next: DeviceId | undefined;
}

async function pageOfAll({ devices }: ClientServices, page: AskedPage): Promise<FoundPage> {
  const found = await devices.devices(page);
  return { found, next: found.length < page.limit ? undefined : found.at(-1)?.id };
}

/** A token may name devices that nobody has added yet: of those there is nothing to say. */
async function pageOfSeen(
  { devices }: ClientServices,
  identity: Identity,
  { after = "" as DeviceId, limit }: AskedPage,
): Promise<FoundPage> {
  const ids = [...new Set([...identity.devices, ...identity.bindings.keys()])];
  const rest = ids.filter((id) => id > after).sort();
  const asked = rest.slice(0, limit);
  const records = await Promise.all(asked.map((id) => devices.device(id)));
  return {
    found: records.filter((record) => record !== undefined),
    next: asked.length < rest.length ? asked.at(-1) : undefined,
  };
}

/** What clients are told of a device: where it calls from and how it is woken is the backend's to know. */
function textOf({ id, name, meta, online, presenceAtMs, sighting, createdAtMs }: DeviceRecord) {
  const known = {
    online,
    online_changed_at: presenceAtMs,
    last_seen_at: sighting?.seenAtMs,
    app_version: sighting?.appVersion,
    created_at: createdAtMs,
  };
  return `{"id":"${id}","name":${JSON.stringify(name)},"meta":${meta},${JSON.stringify(known).slice(1)}`;
}
