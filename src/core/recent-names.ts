/** Names that were there not long ago; of more than it may hold it forgets the one that is not named for longest. */
export class RecentNames {
  readonly #sizeMax: number;
  readonly #names = new Set<string>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    this.#names.delete(name);
    this.#names.add(name);
    if (this.#names.size <= this.#sizeMax) return;
    const [oldest] = this.#names;
    if (oldest !== undefined) this.#names.delete(oldest);
  }
}
