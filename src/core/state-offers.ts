import type { DeviceId } from "./device-id.ts";
import { stateDelta } from "./device-state.ts";
import { LIMITS } from "./limits.ts";
import type { DeviceStates } from "./ports/device-states.ts";

/** What a device is to change about itself. */
export interface StateOffer {
  /** JSON text of a merge patch. */
  readonly delta: string;
  /** Of the desired state that it leads to. */
  readonly version: number;
}

/**
 * Which desired states were offered to which device, so that a poll is not answered again and again
 * with what its device is still at work on. Only remembered in memory: after a restart a device is
 * offered once more what it was offered before.
 */
export interface StateOffers {
  /** What the device still has to follow; undefined when it is as desired. */
  pending(device: DeviceId): Promise<StateOffer | undefined>;
  isNew(device: DeviceId, offer: StateOffer): boolean;
  offered(device: DeviceId, offer: StateOffer): void;
}

export interface StateOffersOptions {
  readonly states: Pick<DeviceStates, "deviceState">;
  /** Devices that are remembered; the others are offered more often than they need. */
  readonly devicesMax?: number;
}

export function createStateOffers(options: StateOffersOptions): StateOffers {
  const { states, devicesMax = LIMITS.devicesMax } = options;
  /** The device that was offered something longest ago comes first. */
  const versions = new Map<DeviceId, number>();

  return {
    async pending(device) {
      const state = await states.deviceState(device);
      const delta = stateDelta(state);
      return delta === undefined ? undefined : { delta, version: state.desired.version };
    },
    // Not just a newer one: versions start anew with a device that was removed and added again.
    isNew: (device, { version }) => versions.get(device) !== version,
    offered(device, { version }) {
      versions.delete(device);
      versions.set(device, version);
      const [oldest] = versions.keys();
      if (versions.size > devicesMax && oldest !== undefined) versions.delete(oldest);
    },
  };
}

/** The JSON text of an offer as devices get it. */
export function encodeOffer({ delta, version }: StateOffer): string {
  return `{"delta":${delta},"desired_version":${version}}`;
}
