import { Buffer } from "node:buffer";
import type { Channel } from "../core/channel.ts";
import type { Fanout } from "../core/ports/fanout.ts";
import type { Listener, SendResult } from "../core/ports/host.ts";
import type { Position } from "../core/publication.ts";
import { Audience, type Member } from "./audience.ts";
import type { ClientMeter } from "./client-meter.ts";

/** Fans out to the clients of this node: every frame is encoded once, however many get it. */
export class LiveFanout implements Fanout {
  readonly #listeners = new Set<Listener>();
  readonly #audiences = new Map<Channel, Audience>();
  readonly #meter: Pick<ClientMeter, "published" | "delivered" | "sent">;
  readonly #onBackpressure: (result: Exclude<SendResult, "sent">) => void;

  constructor(
    onBackpressure: (result: Exclude<SendResult, "sent">) => void,
    meter: Pick<ClientMeter, "published" | "delivered" | "sent">,
  ) {
    this.#onBackpressure = onBackpressure;
    this.#meter = meter;
  }

  /** Sockets live on the listener that accepted them, so each one must hear every publication. */
  attach(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** Harmless once no socket is left on it, and none can come. */
  detach(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** `position` is where the member's subscription begins. */
  add(channel: Channel, member: Member, position: Position): void {
    const audience = this.#audiences.get(channel) ?? new Audience(channel, this.#publish);
    this.#audiences.set(channel, audience);
    audience.add(member, position);
  }

  remove(channel: Channel, member: Member): void {
    const audience = this.#audiences.get(channel);
    audience?.remove(member);
    if (audience?.size === 0) this.#audiences.delete(channel);
  }

  members(channel: Channel): number {
    return this.#audiences.get(channel)?.size ?? 0;
  }

  /** Of all channels together. */
  subscriptions(): number {
    let sum = 0;
    for (const { size } of this.#audiences.values()) sum += size;
    return sum;
  }

  /** How many channels somebody listens to. */
  get size(): number {
    return this.#audiences.size;
  }

  /** Every channel somebody listens to. */
  channels(): IterableIterator<Channel> {
    return this.#audiences.keys();
  }

  /** Tells a channel where its stream stands; see {@link Audience.compareWith}. */
  compareWith(channel: Channel, top: Position): void {
    this.#audiences.get(channel)?.compareWith(top);
  }

  publication: Fanout["publication"] = (channel, publication, epoch) => {
    this.#meter.published();
    const audience = this.#audiences.get(channel);
    if (audience !== undefined) this.#meter.delivered(audience.publication(publication, epoch));
  };

  join: Fanout["join"] = (channel, info) => {
    this.#audiences.get(channel)?.join(info);
  };

  leave: Fanout["leave"] = (channel, info) => {
    this.#audiences.get(channel)?.leave(info);
  };

  readonly #publish = (topic: string, frame: string, sockets: number): void => {
    this.#meter.sent(Buffer.byteLength(frame), sockets);
    for (const listener of this.#listeners) {
      const result = listener.publish(topic, frame);
      if (result !== "sent") this.#onBackpressure(result);
    }
  };
}
