import { addressBlock } from "../core/address-block.ts";

/** Counts connections until they are really gone: a client is forgotten before it has heard why. */
export class OpenConnections {
  #open = 0;
  readonly #byBlock = new Map<string, number>();
  readonly #waiters: (() => void)[] = [];

  get size(): number {
    return this.#open;
  }

  opened(remoteAddress: string): void {
    this.#open += 1;
    this.#byBlock.set(addressBlock(remoteAddress), this.openFrom(remoteAddress) + 1);
  }

  closed(remoteAddress: string): void {
    const block = addressBlock(remoteAddress);
    const left = this.openFrom(remoteAddress) - 1;
    if (left > 0) this.#byBlock.set(block, left);
    else this.#byBlock.delete(block);
    this.#open -= 1;
    if (this.#open > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** How many are open from this address, or from its block. */
  openFrom(remoteAddress: string): number {
    return this.#byBlock.get(addressBlock(remoteAddress)) ?? 0;
  }

  async allClosed(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}
