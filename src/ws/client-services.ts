import type { DeviceSightings } from "../core/device-sightings.ts";
import type { KeyedPace } from "../core/keyed-pace.ts";
import type { LiveNamespaces } from "../core/namespaces.ts";
import type { Backend } from "../core/ports/backend.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DeviceRecords } from "../core/ports/device-records.ts";
import type { DeviceStates } from "../core/ports/device-states.ts";
import type { Streams } from "../core/ports/engine.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Log } from "../core/ports/log.ts";
import type { TokenVerifier } from "../core/ports/tokens.ts";
import type { Presence } from "../core/presence.ts";
import type { Publisher } from "../core/publisher.ts";
import type { Subscriptions } from "../core/subscriptions.ts";
import type { Admission } from "./admission.ts";
import type { Client } from "./client.ts";
import type { ClientMeter } from "./client-meter.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { LiveBindings } from "./live-bindings.ts";
import type { LiveFanout } from "./live-fanout.ts";
import type { SentCommands } from "./rpc/command-methods.ts";
import type { UserLimitRule } from "./user-limit.ts";

export interface ClientLimits {
  readonly channelsPerClient: number;
  readonly channelMaxChars: number;
  readonly clientsMax: number;
  /** 0 is no limit, as for those of an address. */
  readonly clientsPerUser: number;
  readonly clientsPerAddress: number;
  readonly commandsPerSecond: number;
  readonly commandsBurst: number;
  readonly frameMaxBytes: number;
  readonly queueMaxBytes: number;
  readonly recoveryMaxBytes: number;
  readonly greetingTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
}

/** What every client shares. */
export interface ClientServices {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly meter: ClientMeter;
  readonly admission: Admission;
  /** Absent: no token can be right, since no key is configured. */
  readonly tokens: TokenVerifier | undefined;
  readonly backend: Backend;
  readonly namespaces: LiveNamespaces;
  readonly streams: Pick<Streams, "history">;
  readonly subscriptions: Subscriptions;
  readonly publisher: Publisher;
  readonly presence: Presence;
  readonly bindings: LiveBindings;
  readonly commands: SentCommands;
  readonly devices: Pick<DeviceRecords, "device" | "devices">;
  readonly sightings: Pick<DeviceSightings, "lastSeen">;
  readonly states: Pick<DeviceStates, "deviceState">;
  readonly fanout: LiveFanout;
  readonly registry: ClientRegistry<Client>;
  /** Read for each piece of work, as `backend` and the two below: they may change. */
  readonly limits: ClientLimits;
  readonly onUserLimit: UserLimitRule;
  /** Of the commands of all clients of one user: they are only refused, since none knows of the others. */
  readonly userPace: Pick<KeyedPace, "take">;
  /** Names, in lower case, of the headers that the backend is told of; others are not kept. */
  readonly clientHeaders: readonly string[];
  /** Pings of the websocket itself reach clients, and their answers us. */
  readonly nativePing: boolean;
  /** Names this process among others, in what clients send by requests of their own. */
  readonly node: string;
  /** The server's own version, told in the connect reply. */
  readonly version: string;
}
