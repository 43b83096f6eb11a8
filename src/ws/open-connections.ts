/** Counts connections until they are really gone: a client is forgotten before it has heard why. */
export class OpenConnections {
  #open = 0;
  readonly #waiters: (() => void)[] = [];

  opened(): void {
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async allClosed(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}
