import type { Listener } from "../core/ports/host.ts";

/** Which of our listeners share a port now: those that have not been stopped. */
export class SharedPorts {
  readonly #listening = new Map<number, Set<Listener>>();

  has(port: number): boolean {
    return this.#listening.has(port);
  }

  /** The same listener; it counts until it is stopped or aborted. */
  add(listener: Listener): Listener {
    const { port } = listener;
    const group = this.#listening.get(port) ?? new Set<Listener>();
    this.#listening.set(port, group);
    const counted: Listener = {
      ...listener,
      stop: () => {
        this.#remove(port, counted);
        return listener.stop();
      },
      abort: () => {
        this.#remove(port, counted);
        return listener.abort();
      },
    };
    group.add(counted);
    return counted;
  }

  #remove(port: number, listener: Listener): void {
    const group = this.#listening.get(port);
    group?.delete(listener);
    if (group?.size === 0) this.#listening.delete(port);
  }
}
