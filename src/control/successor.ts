import type { Clock } from "../core/ports/clock.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import type { ControlChannel } from "./control-channel.ts";
import { HandingOn } from "./hand-on.ts";
import { SAYS } from "./message-types.ts";
import { nextWithin } from "./next-within.ts";

/** What a server does for the one that follows, in this order. */
export interface Giving {
  /** Sends clients away while everything goes on. */
  leave(isCanceled: () => boolean): Promise<void>;
  /** Undoes that: nobody follows. */
  stay(): void;
  /** Gives up the store; there is no way back from here. */
  giveStore(): Promise<void>;
  /** The successor answers from now on. */
  handOn(ask: HandingOn): void;
}

/** "abandoned": nothing was given, all goes on. "lost": the successor died with what it was given. */
export type Given = "abandoned" | "lost" | "given";

/** Gives everything to the process at the other end, which asked for it; resolves when we may go. */
export async function giveTo(
  channel: ControlChannel,
  giving: Giving,
  { clock, ending }: { readonly clock: Clock; readonly ending: Promise<unknown> },
): Promise<Given> {
  const tell = clock.every(TAKEOVER_LIMITS.leavingTellMs, () => {
    channel.send({ type: SAYS.leaving });
  });
  try {
    await giving.leave(() => channel.isClosed);
  } finally {
    tell();
  }
  channel.send({ type: SAYS.follow });
  const listening = await nextWithin(channel, TAKEOVER_LIMITS.takeoverStepMs, clock);
  if (listening?.type !== SAYS.listening) {
    giving.stay();
    return "abandoned";
  }
  await giving.giveStore();
  channel.send({ type: SAYS.yours });
  const serving = await nextWithin(channel, TAKEOVER_LIMITS.takeoverStepMs, clock);
  if (serving?.type !== SAYS.serving) return "lost";
  const handing = new HandingOn(channel, clock);
  giving.handOn(handing);
  const linger = Promise.withResolvers<void>();
  const cancel = clock.after(TAKEOVER_LIMITS.takeoverLingerMs, linger.resolve);
  await Promise.race([readAnswers(channel, handing), linger.promise, ending]);
  cancel();
  return "given";
}

/** Resolves when the successor wants us gone, or is gone itself. */
async function readAnswers(channel: ControlChannel, handing: HandingOn): Promise<void> {
  while (true) {
    const message = await channel.next();
    if (message?.type === SAYS.response) handing.answered(message);
    else if (message === undefined || message.type === SAYS.leave) break;
  }
  if (channel.isClosed) handing.abandon();
}
