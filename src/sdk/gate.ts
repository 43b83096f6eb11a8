/** A network that is said to be gone is tried all the same after this: phones err. */
const OFFLINE_MAX_MS = 30_000;

/** No server may keep clients away longer than this. */
const WAIT_MAX_MS = 10 * 60_000;

/**
 * Says when the next connection may be tried: not while the app is hidden, not before the server
 * wants it, not while the last socket is still being closed (it counts for the platform's limit).
 */
export class Gate {
  private isHidden = false;
  private notBeforeMs = 0;
  private offlineUntilMs = 0;
  private readonly sockets = new Set<object>();
  private waiting: { readonly pass: () => void; readonly give: (why: Error) => void } | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves when nothing stands in the way; rejects when another try has taken its place. */
  pass(): Promise<void> {
    this.waiting?.give(new Error("Cannot connect: another attempt took its place"));
    return new Promise((pass, give) => {
      this.waiting = { pass, give };
      this.look();
    });
  }

  setHidden(isHidden: boolean): void {
    this.isHidden = isHidden;
    this.look();
  }

  setOffline(isOffline: boolean): void {
    this.offlineUntilMs = isOffline ? Date.now() + OFFLINE_MAX_MS : 0;
    this.look();
  }

  /** The server wants to be left alone for a while. */
  waitFor(ms: number): void {
    this.notBeforeMs = Date.now() + Math.min(ms, WAIT_MAX_MS);
  }

  /** Starts anew: what a server wanted of the last connection is forgotten. */
  forget(): void {
    this.notBeforeMs = 0;
    this.look();
  }

  taken(socket: object): void {
    this.sockets.add(socket);
  }

  released(socket: object): void {
    this.sockets.delete(socket);
    this.look();
  }

  /** The platform has cut all sockets there were. */
  releasedAll(): void {
    this.sockets.clear();
    this.look();
  }

  private look(): void {
    clearTimeout(this.timer);
    if (this.waiting === undefined || this.isHidden || this.sockets.size > 0) return;
    const waitMs = Math.max(this.notBeforeMs, this.offlineUntilMs) - Date.now();
    if (waitMs > 0) {
      this.timer = setTimeout(() => this.look(), waitMs);
      return;
    }
    const { pass } = this.waiting;
    this.waiting = undefined;
    pass();
  }
}
