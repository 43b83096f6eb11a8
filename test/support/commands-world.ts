import type { CommandRecord, CommandRequest } from "../../src/core/command.ts";
import type { OpenReceiver } from "../../src/core/command-receivers.ts";
import { startCommandServices } from "../../src/core/command-services.ts";
import type { Admission, Standing } from "../../src/core/device-admission.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import { type DeviceState, emptyState } from "../../src/core/device-state.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { DeviceRecord } from "../../src/core/ports/device-records.ts";
import type { StopSignal } from "../../src/core/ports/stop-signal.ts";
import type { StateOffer } from "../../src/core/state-offers.ts";
import { FakeClock } from "./fake-clock.ts";
import { createFakeEntropy } from "./fake-entropy.ts";
import { MemoryCommands } from "./memory-commands.ts";
import { RecordingLog } from "./recording-log.ts";

export const KIOSK = parseDeviceId("kiosk");
export const NOW = Date.UTC(2026, 0, 1);

/** The services of commands around a queue in memory, with everything they touch in the test's hands. */
/** Counts, as fakes do, in the form that cursors have to have. */
function uuidOf(made: number): string {
  return `00000000-0000-7000-8000-${String(made).padStart(12, "0")}`;
}

export function commandsWorld() {
  const clock = new FakeClock(NOW);
  const log = new RecordingLog();
  let made = 0;
  const entropy = { ...createFakeEntropy(), uuid: () => uuidOf(++made) };
  const states = new Map<DeviceId, DeviceState>();
  const grown: DeviceId[] = [];
  const presence = new RecordedPresence();
  /** What comes of asking whether whoever was let in still would be. */
  const standing: { now: Standing | Error; asked: number } = { now: "good", asked: 0 };
  /** Devices that another process has removed, once that was found out. */
  const gone: DeviceId[] = [];
  const admit = (id: DeviceId): Admission => ({
    id,
    async standing() {
      standing.asked += 1;
      if (standing.now instanceof Error) throw standing.now;
      return standing.now;
    },
  });
  const known = new Set([KIOSK]);
  const queue = new MemoryCommands((device) => known.has(device));
  const services = startCommandServices({
    queue,
    clock,
    entropy,
    log,
    presence,
    devices: {
      async device(id) {
        return known.has(id) ? deviceRecord(id) : undefined;
      },
    },
    states: {
      async deviceState(device) {
        return states.get(device) ?? emptyState(device);
      },
    },
    queueGrew: (device) => grown.push(device),
    deviceGone: (device) => gone.push(device),
    commandLeaseMs: LIMITS.commandLeaseMs,
  });
  const send = (more: Partial<CommandRequest> = {}, waitMs = 0, signal: StopSignal = never()) =>
    services.commands.send(requestOf(more), waitMs, signal);
  const fetch = (waitMs = 0, max = 10, signal: StopSignal = never()) =>
    services.receiving.fetch(admit(KIOSK), { waitMs, max, signal });
  /** Wants something of the device that it has not followed yet. */
  const desire = (text: string, version: number) => {
    states.set(KIOSK, { ...emptyState(KIOSK), desired: { text, version } });
    services.desiredChanged(KIOSK);
  };
  return {
    ...services,
    dispose: () => services[Symbol.asyncDispose](),
    clock,
    log,
    queue,
    entropy,
    states,
    grown,
    presence,
    standing,
    gone,
    admit,
    send,
    fetch,
    desire,
  };
}

export type CommandsWorld = ReturnType<typeof commandsWorld>;

function requestOf(more: Partial<CommandRequest>): CommandRequest {
  const sender = { kind: "backend" } as const;
  return { device: KIOSK, type: "open", data: "1.0", sender, ...more };
}

function deviceRecord(id: DeviceId): DeviceRecord {
  const record = { id, name: "", meta: "{}", secretHash: "", enrollment: "closed" } as const;
  return { ...record, createdAtMs: NOW, online: false, generation: 0 };
}

/** What was said about the device being there. */
export class RecordedPresence {
  holds = 0;
  posts = 0;

  hold(_device: DeviceId): () => void {
    this.holds += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.holds -= 1;
      isHeld = false;
    };
  }

  posted(_device: DeviceId): void {
    this.posts += 1;
  }
}

/** A stream or a socket, whose device is the test. */
export class FakeReceiver {
  readonly commands: CommandRecord[] = [];
  readonly offers: StateOffer[] = [];
  readonly ends: string[] = [];
  ready = true;
  readonly open: OpenReceiver;

  constructor({ receivers, admit }: CommandsWorld, device = KIOSK, admission = admit(device)) {
    this.open = receivers.open(admission, {
      isReady: () => this.ready,
      deliver: (command) => this.commands.push(command),
      offer: (offer) => this.offers.push(offer),
      end: (why) => this.ends.push(why),
    });
  }

  /** Each command with its attempt, in the order in which they came. */
  get deliveries(): string[] {
    return this.commands.map(({ id, attempt }) => `${id} ${attempt}`);
  }
}

/** The signal of a peer that stays. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** Lets everything happen that needs no time. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

/** Lets so much time pass, and a tick that sees all of it. */
export async function pass({ clock }: { readonly clock: FakeClock }, ms: number): Promise<void> {
  clock.advance(ms);
  await turns();
  clock.advance(LIMITS.commandTickMs);
  await turns();
}
