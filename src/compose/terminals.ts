import { createDevDevices } from "../auth/dev-devices.ts";
import { createDeviceSecrets } from "../auth/device-secrets.ts";
import { type CommandServices, startCommandServices } from "../core/command-services.ts";
import { createDeviceEvents, type DeviceEvents } from "../core/device-events.ts";
import type { DeviceId } from "../core/device-id.ts";
import { createDevicePresence, type DevicePresence } from "../core/device-presence.ts";
import { createDeviceSightings, type DeviceSightings } from "../core/device-sightings.ts";
import { createStates, type States } from "../core/device-states.ts";
import { createDevices, type Devices } from "../core/devices.ts";
import { endDevice } from "../core/end-device.ts";
import { LIMITS } from "../core/limits.ts";
import { type Live, livePart } from "../core/live.ts";
import { noteHolds } from "../core/note-holds.ts";
import type { ApiKeys } from "../core/ports/api-keys.ts";
import type { Engine } from "../core/ports/engine.ts";
import { resumePresence } from "../core/resume-presence.ts";
import { createSleepingDevices } from "../core/sleeping-devices.ts";
import { wakeThoseWaiting } from "../core/wake-those-waiting.ts";
import { createWakeUps, type WakeUps } from "../core/wake-ups.ts";
import { fingerprintOf } from "../runtime/fingerprint.ts";
import { OpenConnections } from "../ws/open-connections.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";

/** The half of the server that devices see. */
export interface Terminals extends CommandServices {
  readonly devices: Devices;
  readonly sightings: DeviceSightings;
  readonly presence: DevicePresence;
  readonly deviceEvents: DeviceEvents;
  readonly states: States;
  readonly fleetKeys: Live<ApiKeys | undefined>;
  /** Their names. */
  readonly pushProviders: Live<readonly string[]>;
  readonly wakeUps: Pick<WakeUps, "replaceProviders">;
  /** Streams and sockets of devices. */
  readonly connections: OpenConnections;
  /** Something waits for the device, or it can be woken at last. */
  queueGrew(device: DeviceId): void;
  /** Lets go of all devices and tells nothing of it: they come back when the server does. */
  drain(): Promise<void>;
}

export interface TerminalParts {
  readonly engine: Engine;
  readonly opening: AsyncDisposableStack;
  /** Ends what clients have of a device that another process has removed. */
  readonly deviceRemoved: (device: DeviceId) => void;
}

/** Builds it, and takes up what an earlier process left: devices on record as online, commands that wait. */
export async function startTerminals(
  live: Live<LiveParts>,
  around: Surroundings,
  { engine, opening, deviceRemoved }: TerminalParts,
): Promise<Terminals> {
  const { config } = live.current;
  const records = engine;
  const sightings = opening.use(createDeviceSightings({ ...around, records }));
  const presence = presenceOf(live, around, engine);
  const wakeUps = opening.use(wakeUpsOf(live, around, { engine, presence }));
  const queueGrew = (device: DeviceId) => wakeUps.queueGrew(device);
  const known = { sightings, presence, deviceRemoved };
  const commands: CommandServices = opening.use(
    startCommandServices({
      ...around,
      queue: engine,
      devices: engine,
      states: engine,
      presence: noteHolds(presence, sightings),
      queueGrew,
      deviceGone: (device) => endDevice(device, { ...around, ...known, ...commands }),
      commandLeaseMs: config.devices.commandLeaseMs,
    }),
  );
  await resumePresence(presence, records);
  opening.defer(wakeThoseWaiting({ ...around, queue: engine, wakeUps }));
  const connections = new OpenConnections();
  return {
    ...commands,
    devices: devicesOf(config, around, engine),
    sightings,
    presence,
    deviceEvents: createDeviceEvents({
      ...around,
      streams: engine,
      get retention() {
        return live.current.ownEvents.retention;
      },
      routes: (type) => live.current.routes(type),
      fingerprint: fingerprintOf,
    }),
    states: createStates({ ...around, records, desiredChanged: commands.desiredChanged }),
    fleetKeys: livePart(live, (parts) => parts.fleetKeys),
    pushProviders: livePart(live, (parts) => [...parts.pushProviders.keys()]),
    wakeUps,
    connections,
    queueGrew,
    async drain() {
      // First: whoever is let go must not be told of as gone.
      const stored = presence.stop();
      commands.releaseAll();
      await Promise.all([stored, connections.allClosed()]);
    },
  };
}

function devicesOf({ dev }: LiveParts["config"], around: Surroundings, records: Engine): Devices {
  const secrets = createDeviceSecrets(around.entropy);
  const devices = createDevices({ ...around, records, secrets });
  return dev ? createDevDevices(devices) : devices;
}

function presenceOf(live: Live<LiveParts>, around: Surroundings, records: Engine): DevicePresence {
  const { devices, limits } = live.current.config;
  const store: Engine["changePresence"] = (change) => records.changePresence(change);
  // Whoever wants to hear fast of silent devices hears fast of those that a restart has lost.
  const returnMs = Math.min(devices.onlineTtlMs, limits.drainSpreadMs + LIMITS.deviceReturnMs);
  return createDevicePresence({
    ...around,
    get onlineTtlMs() {
      return live.current.config.devices.onlineTtlMs;
    },
    get offlineGraceMs() {
      return live.current.config.devices.offlineGraceMs;
    },
    returnMs,
    store,
    limits: LIMITS,
  });
}

interface WakeUpParts {
  readonly engine: Engine;
  readonly presence: DevicePresence;
}

function wakeUpsOf(
  live: Live<LiveParts>,
  around: Surroundings,
  { engine, presence }: WakeUpParts,
): WakeUps {
  return createWakeUps({
    ...around,
    providers: live.current.pushProviders,
    devices: createSleepingDevices({ presence, queue: engine, records: engine }),
    get wakeIntervalMs() {
      return live.current.config.devices.wakeIntervalMs;
    },
  });
}
