/** An `EventTarget` for phones, which have none: the `offline` and `online` events that the protocol's client obeys: drop the socket, connect now. */
export class NetworkEvents implements EventTarget {
  private readonly runs: Record<string, (() => void) | undefined> = {};

  addEventListener(name: string, run: EventListenerOrEventListenerObject | null): void {
    this.runs[name] = run as () => void;
  }

  removeEventListener(name: string): void {
    this.runs[name] = undefined;
  }

  /** Nobody else tells of anything through this. */
  dispatchEvent(): boolean {
    return false;
  }

  /** The socket is dead, whatever the platform says of it. */
  drop(): void {
    this.runs["offline"]?.();
  }

  /** Ends a pause between two attempts. */
  hurry(): void {
    this.runs["online"]?.();
  }
}
