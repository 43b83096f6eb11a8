import type { Channel } from "../core/channel.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel } from "../core/ports/clock.ts";
import type { Position } from "../core/publication.ts";
import { DISCONNECT, type Disconnect, UNSUBSCRIBE } from "../protocol/codes.ts";
import { unsubscribePush } from "../protocol/push-frame.ts";
import type { Member } from "./audience.ts";
import type { Client } from "./client.ts";
import type { Subscription, SubscriptionPlan } from "./subscription.ts";

interface Entry {
  readonly subscription: Subscription;
  expiry: Cancel | undefined;
}

/** What one client is subscribed to. Entering and leaving keep presence and the fan-out in step. */
export class ClientSubscriptions {
  readonly #client: Client;
  readonly #entries = new Map<Channel, Entry>();

  constructor(client: Client) {
    this.#client = client;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(channel: Channel): Subscription | undefined {
    return this.#entries.get(channel)?.subscription;
  }

  channels(): Channel[] {
    return [...this.#entries.keys()];
  }

  /**
   * Joins the live fan-out. Call it in the tick that completed the opening, once the client was told.
   * Nothing happens when the client is gone: what it was told may have been one frame too many.
   */
  enter(plan: SubscriptionPlan, position: Position): void {
    if (this.#client.isClosed) return;
    const { channel, by, presence, announced, needsBinding = false } = plan;
    const { fanout, presence: present } = this.#client.services;
    const chanInfo = plan.info === undefined ? {} : { chanInfo: plan.info };
    const info = { ...this.#client.info(), ...chanInfo };
    const member = this.#memberOf(plan);
    const subscription = { channel, by, info, presence, announced, needsBinding, member };
    this.#entries.set(channel, { subscription, expiry: undefined });
    if (presence) present.enter(channel, info);
    fanout.add(channel, member, position);
    if (announced) fanout.join(channel, info);
    this.expireAt(channel, plan.expiresAtMs);
  }

  /** Forgets the subscription without telling the client. False when there is none. */
  leave(channel: Channel): boolean {
    const entry = this.#entries.get(channel);
    if (entry === undefined) return false;
    this.#entries.delete(channel);
    entry.expiry?.();
    const { fanout, presence } = this.#client.services;
    const { subscription } = entry;
    fanout.remove(channel, subscription.member);
    if (subscription.presence) presence.leave(channel, this.#client.id);
    if (subscription.announced) fanout.leave(channel, subscription.info);
    return true;
  }

  leaveAll(): void {
    for (const channel of this.channels()) this.leave(channel);
  }

  /** Ends the subscription and tells the client why. */
  end(channel: Channel, why: Disconnect): void {
    if (!this.leave(channel)) return;
    const { connection } = this.#client;
    connection.send(unsubscribePush(connection.form, channel, why));
  }

  /** Sets when the subscription's token ends; undefined is never. */
  expireAt(channel: Channel, atMs: number | undefined): void {
    const entry = this.#entries.get(channel);
    if (entry === undefined) return;
    entry.expiry?.();
    const { clock } = this.#client.services;
    entry.expiry =
      atMs === undefined
        ? undefined
        : clock.after(Math.max(0, atMs - clock.nowMs()) + LIMITS.expiredGraceMs, () =>
            this.#lose(channel, UNSUBSCRIBE.expired, DISCONNECT.subscriptionExpired),
          );
  }

  #memberOf({ channel, positioned, joinLeave, delta, filter }: SubscriptionPlan): Member {
    const lose = () =>
      this.#lose(channel, UNSUBSCRIBE.insufficientState, DISCONNECT.insufficientState);
    return {
      connection: this.#client.connection,
      joinLeave,
      delta,
      ...(filter && { filter }),
      ...(positioned && { onInsufficient: lose }),
    };
  }

  /** A client subscribes again to what it chose itself; what the server chose it gets by connecting again. */
  #lose(channel: Channel, unsubscribe: Disconnect, disconnect: Disconnect): void {
    if (this.get(channel)?.by === "client") this.end(channel, unsubscribe);
    else this.#client.end(disconnect);
  }
}
