import type { DeviceState } from "./posthorn.d.ts";

/** What the server says of a device's state, in a reply and in a publication alike. */
interface StateOnWire {
  readonly reported?: DeviceState["reported"];
  readonly desired?: DeviceState["desired"];
  readonly reported_version?: number;
  readonly desired_version?: number;
}

/** Reads a state; undefined when it is none. */
export function readState(value: unknown): DeviceState | undefined {
  const { reported, desired, reported_version, desired_version } = (value ?? {}) as StateOnWire;
  if (reported === undefined) return undefined;
  return {
    reported,
    desired: desired ?? {},
    reportedVersion: reported_version ?? 0,
    desiredVersion: desired_version ?? 0,
  };
}

/** Whether `later` is not what was known before `known`, as a replayed publication may be. */
export function isNewer(later: DeviceState, known: DeviceState | undefined): boolean {
  if (known === undefined) return true;
  return (
    later.reportedVersion >= known.reportedVersion &&
    later.desiredVersion >= known.desiredVersion &&
    later.reportedVersion + later.desiredVersion > known.reportedVersion + known.desiredVersion
  );
}
