import type { CommandId, CommandRecord } from "./command.ts";
import type { GiveBack } from "./command-give-back.ts";
import type { LeaseCommands } from "./command-leases.ts";
import { type CommandInput, refusalFault } from "./command-life.ts";
import type { CommandNews } from "./command-news.ts";
import { type CommandResult, encodeResult } from "./command-result.ts";
import type { CommandWaiter, CommandWaiters } from "./command-waiters.ts";
import type { Admission } from "./device-admission.ts";
import type { DeviceId } from "./device-id.ts";
import type { DevicePresence } from "./device-presence.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { StopSignal } from "./ports/stop-signal.ts";
import type { StateOffer, StateOffers } from "./state-offers.ts";
import { unknownCommand } from "./unknown-command.ts";

/** What a device asks for when it polls. */
export interface Fetching {
  /** How long to wait for a command when there is none; 0 does not wait. */
  readonly waitMs: number;
  readonly max: number;
  /** Aborts when the device has hung up. */
  readonly signal: StopSignal;
}

/** What a poll brought. */
export interface Fetched {
  /** Leased to this poll; none when nothing came in time. */
  readonly commands: readonly CommandRecord[];
  /** Names the lease: {@link CommandReceiving.ackLease} acknowledges what it holds. */
  readonly cursor: string;
  /** What the device still has to follow; absent when it is as desired. */
  readonly state?: StateOffer;
  /** It was let go early, to come again after a while: the server drains, or newer ones need its place. */
  readonly isReleased: boolean;
}

/** Commands as the devices see them that obey them. */
export interface CommandReceiving {
  /**
   * One poll: leases what waits, or waits for it. It also ends with nothing but a state that the
   * device was not offered yet. A peer that hangs up meanwhile, or would not be let in any more, gets
   * nothing: what was leased for it already is queued again, to come with the next attempt. The device
   * counts as online while it waits, and as heard of when it was answered with something. Throws
   * `waiters_exceeded`.
   */
  fetch(admission: Admission, fetching: Fetching): Promise<Fetched>;
  /** The device has it. Throws `command_unknown`, or why that cannot be. */
  ack(device: DeviceId, id: CommandId): Promise<CommandRecord>;
  /** The device has all it got under this cursor. What is leased no more is left as it is. */
  ackLease(device: DeviceId, cursor: string): Promise<void>;
  /** The device did it, or failed. Throws `command_unknown`, `result_invalid`, or why that cannot be. */
  settle(device: DeviceId, id: CommandId, result: CommandResult): Promise<CommandRecord>;
}

export interface CommandReceivingOptions {
  readonly queue: Pick<CommandQueue, "moveCommand" | "commandsLeasedTo">;
  readonly lease: LeaseCommands;
  readonly giveBack: GiveBack;
  readonly waiters: CommandWaiters;
  readonly offers: StateOffers;
  readonly news: CommandNews;
  readonly presence: Pick<DevicePresence, "hold" | "posted">;
  /** Another process has removed the device: ends all that is open for it. MUST NOT throw. */
  readonly deviceGone: (device: DeviceId) => void;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export function createCommandReceiving(options: CommandReceivingOptions): CommandReceiving {
  const { queue, news, clock } = options;

  async function move(device: DeviceId, id: CommandId, input: CommandInput) {
    const outcome = await queue.moveCommand(device, id, input);
    if (outcome !== undefined && "changed" in outcome) news.answered(outcome.changed);
    return outcome;
  }

  async function demand(device: DeviceId, id: CommandId, input: CommandInput) {
    const outcome = await move(device, id, input);
    if (outcome === undefined) throw unknownCommand(id);
    if ("refused" in outcome) throw refusalFault(outcome);
    return "changed" in outcome ? outcome.changed : outcome.unchanged;
  }

  function acking(): CommandInput {
    const resultTimeoutMs = LIMITS.commandResultTimeoutMs;
    return { kind: "ack", nowMs: clock.nowMs(), resultTimeoutMs };
  }

  return {
    fetch: (admission, fetching) => fetchHeld(admission, fetching, options),
    ack: (device, id) => demand(device, id, acking()),
    async ackLease(device, cursor) {
      const leased = await queue.commandsLeasedTo(device, cursor);
      await Promise.all(leased.map(({ id }) => move(device, id, acking())));
    },
    settle(device, id, result) {
      const input = { kind: "settle", nowMs: clock.nowMs(), result: encodeResult(result) } as const;
      return demand(device, id, input);
    },
  };
}

async function fetchHeld(
  admission: Admission,
  { waitMs, ...fetching }: Fetching,
  options: CommandReceivingOptions,
): Promise<Fetched> {
  const { waiters, news, presence, clock, entropy } = options;
  const { id: device } = admission;
  const waiter = waiters.join(device);
  const release = presence.hold(device);
  const untilMs = clock.monotonicMs() + waitMs;
  const held = { ...fetching, admission, waiter, untilMs, cursor: entropy.uuid() };
  const poll: Poll = { ...held, owesWake: false };
  try {
    const fetched = await fetchOrWait(poll, options);
    const isAnswered = !poll.signal.aborted;
    if (isAnswered && fetched.state !== undefined) options.offers.offered(device, fetched.state);
    // What it does with the answer takes its time, in which it is not gone.
    if (isAnswered && hasContent(fetched)) presence.posted(device);
    return fetched;
  } finally {
    const isTold = waiter.leave();
    release();
    if (!isTold || (poll.owesWake && !waiters.wake(device))) news.missed(device);
  }
}

function hasContent({ commands, state }: Fetched): boolean {
  return commands.length > 0 || state !== undefined;
}

/** One poll while it is held. */
interface Poll extends Omit<Fetching, "waitMs"> {
  readonly admission: Admission;
  readonly waiter: CommandWaiter;
  readonly cursor: string;
  readonly untilMs: number;
  /** It was woken and has not looked: another one has to. */
  owesWake: boolean;
}

async function fetchOrWait(poll: Poll, options: CommandReceivingOptions): Promise<Fetched> {
  const { waiter, untilMs, signal } = poll;
  while (!signal.aborted) {
    const found = await look(poll, options);
    if (found !== undefined) return found;
    const outcome = await waiter.wait(untilMs - options.clock.monotonicMs(), signal);
    poll.owesWake = outcome === "woken";
    if (outcome === "released") return { ...nothingFor(poll), isReleased: !isDismissed(poll) };
    if (!(await mayStay(poll, options))) break;
    if (outcome === "timeout") {
      // The device may have reported meanwhile that it has followed.
      return withState(nothingFor(poll), await options.offers.pending(poll.admission.id));
    }
  }
  return nothingFor(poll);
}

/** Leases what waits; undefined when there is nothing to answer with yet. */
async function look(
  poll: Poll,
  { lease, giveBack, offers, clock }: CommandReceivingOptions,
): Promise<Fetched | undefined> {
  const { admission, cursor, max, signal, untilMs } = poll;
  const { id: device } = admission;
  poll.owesWake = false;
  const [commands, state] = await Promise.all([
    lease(device, { receiver: cursor, max }),
    offers.pending(device),
  ]);
  if (signal.aborted || isDismissed(poll)) {
    await giveBack(commands);
    return nothingFor(poll);
  }
  const isNews = state !== undefined && offers.isNew(device, state);
  const isOver = clock.monotonicMs() >= untilMs;
  if (commands.length === 0 && !isNews && !isOver) return undefined;
  return withState({ ...nothingFor(poll), commands }, state);
}

/** Whether who was let in before the wait would still be. */
async function mayStay(poll: Poll, { deviceGone }: CommandReceivingOptions): Promise<boolean> {
  const { admission } = poll;
  const standing = await admission.standing();
  if (standing === "gone") deviceGone(admission.id);
  return standing === "good" && !isDismissed(poll);
}

function isDismissed({ waiter }: Poll): boolean {
  return waiter.releasedBy === "dismissed";
}

function nothingFor({ cursor }: Poll): Fetched {
  return { commands: [], cursor, isReleased: false };
}

function withState(fetched: Fetched, state: StateOffer | undefined): Fetched {
  return state === undefined ? fetched : { ...fetched, state };
}
