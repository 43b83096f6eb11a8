import { createGiveBack, type GiveBack } from "./command-give-back.ts";
import { createCommandLeases } from "./command-leases.ts";
import { createCommandNews } from "./command-news.ts";
import { type CommandReceivers, createCommandReceivers } from "./command-receivers.ts";
import { type CommandReceiving, createCommandReceiving } from "./command-receiving.ts";
import { startCommandTicks } from "./command-ticks.ts";
import { createCommandWaiters } from "./command-waiters.ts";
import { type Commands, createCommands } from "./commands.ts";
import type { DeviceId } from "./device-id.ts";
import type { DevicePresence } from "./device-presence.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";
import type { DeviceRecords } from "./ports/device-records.ts";
import type { DeviceStates } from "./ports/device-states.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Log } from "./ports/log.ts";
import { createResultWaiters } from "./result-waiters.ts";
import { createStateOffers } from "./state-offers.ts";

/** Everything about commands, from those who send them to those who obey. */
export interface CommandServices extends AsyncDisposable {
  readonly commands: Commands;
  readonly receiving: CommandReceiving;
  readonly receivers: CommandReceivers;
  /** What the device is to be has changed: whoever holds something open for it is told at once. */
  desiredChanged(device: DeviceId): void;
  /** The server drains: lets everyone go who waits, and from now on everyone at once. */
  releaseAll(): void;
}

export interface CommandServicesOptions {
  readonly queue: CommandQueue;
  readonly devices: Pick<DeviceRecords, "device">;
  readonly states: Pick<DeviceStates, "deviceState">;
  readonly presence: Pick<DevicePresence, "hold" | "posted">;
  /** Wakes the device if it sleeps. Returns at once. */
  readonly queueGrew: (device: DeviceId) => void;
  /** Another process has removed the device; what it had open has ended. MUST NOT throw. */
  readonly deviceGone: (device: DeviceId) => void;
  readonly commandLeaseMs: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
}

/** Begins to do at once what time demands of commands, until it is disposed. */
export function startCommandServices(options: CommandServicesOptions): CommandServices {
  const { clock } = options;
  const waiters = createCommandWaiters({ clock, limits: LIMITS });
  const results = createResultWaiters({ clock, limits: LIMITS });
  const offers = createStateOffers(options);
  const lease = createCommandLeases(options);
  // Who is told of what was given back is made after those who give back.
  const giveBack: GiveBack = (leased) => returned(leased);
  const parts = { ...options, waiters, results, offers, lease, giveBack };
  const receivers = createCommandReceivers(parts);
  const news = createCommandNews({ ...parts, receivers });
  const returned = createGiveBack({ ...options, news });
  const deviceGone = (device: DeviceId): void => {
    receivers.dismiss(device);
    options.deviceGone(device);
  };
  const ticks = startCommandTicks({ ...parts, news });
  return {
    commands: createCommands({ ...parts, news }),
    receiving: createCommandReceiving({ ...parts, news, deviceGone }),
    receivers,
    desiredChanged: (device) => waiters.wakeAll(device),
    releaseAll() {
      receivers.releaseAll();
      waiters.releaseAll();
      results.releaseAll();
    },
    [Symbol.asyncDispose]: () => ticks[Symbol.asyncDispose](),
  };
}
