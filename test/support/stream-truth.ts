import type { Channel } from "../../src/core/channel.ts";
import type { Position } from "../../src/core/publication.ts";

interface Life {
  epoch: string;
  top: number;
  /** Everything up to here is no longer kept. */
  lostUpTo: number;
}

/** All that was ever published, and what of it is still kept: what readers are measured against. */
export class StreamTruth {
  readonly #data = new Map<string, string>();
  readonly #lives = new Map<Channel, Life>();
  readonly #sizeMax: number;
  /** Something was lost on the way, so that readers may have to subscribe again. */
  isDisturbed = false;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  published(channel: Channel, { epoch, offset }: Position, data: string): void {
    this.#data.set(`${channel} ${epoch} ${offset}`, data);
    const life = this.#lifeOf(channel);
    life.epoch = epoch;
    life.top = offset;
    life.lostUpTo = Math.max(life.lostUpTo, offset - this.#sizeMax);
  }

  trimmed(channel: Channel): void {
    const life = this.#lifeOf(channel);
    life.lostUpTo = life.top;
  }

  forgotten(channel: Channel, epoch: string): void {
    this.#lives.set(channel, { epoch, top: 0, lostUpTo: 0 });
    this.isDisturbed = true;
  }

  /** What was published there, as JSON text. */
  dataAt(channel: Channel, { epoch, offset }: Position): string | undefined {
    return this.#data.get(`${channel} ${epoch} ${offset}`);
  }

  top(channel: Channel): Position {
    const { epoch, top } = this.#lifeOf(channel);
    return { epoch, offset: top };
  }

  /** Whether all that follows on `position` is kept. */
  keepsAllAfter(channel: Channel, position: Position): boolean {
    const { epoch, top, lostUpTo } = this.#lifeOf(channel);
    return position.epoch === epoch && position.offset >= lostUpTo && position.offset <= top;
  }

  keepsNewest(channel: Channel): boolean {
    const { top, lostUpTo } = this.#lifeOf(channel);
    return lostUpTo < top;
  }

  #lifeOf(channel: Channel): Life {
    const life = this.#lives.get(channel) ?? { epoch: "epochone", top: 0, lostUpTo: 0 };
    this.#lives.set(channel, life);
    return life;
  }
}
