/** A network that is said to be gone is tried all the same after this: phones err. */
const OFFLINE_MAX_MS = 30_000;

/** No server may keep clients away longer than this. */
const WAIT_MAX_MS = 10 * 60_000;

/**
 * The sockets of this app that are being closed, whoever opened them: the platform counts them, also
 * when the app has dropped their connection and has made another.
 */
const CLOSING = new Set<object>();

/** Those at which somebody waits, to look again when a socket is gone. */
const WAITED_AT = new Set<Gate>();

/**
 * Says when the next connection may be tried: not while the app is hidden, not before the server
 * wants it, not while a socket is still being closed.
 */
export class Gate {
  private isHidden = false;
  private notBeforeMs = 0;
  private offlineUntilMs = 0;
  private waiting: { readonly pass: () => void; readonly give: (why: Error) => void } | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves when nothing stands in the way; rejects when another try has taken its place, and at the end. */
  pass(): Promise<void> {
    this.waiting?.give(new Error("Cannot connect: another attempt took its place"));
    return new Promise((pass, give) => {
      this.waiting = { pass, give };
      WAITED_AT.add(this);
      this.look();
    });
  }

  /** Whoever waits is turned away, and no timer is left. */
  end(): void {
    clearTimeout(this.timer);
    this.waiting?.give(new Error("Cannot connect: the client was closed"));
    this.left();
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

  /** A socket is being closed; whoever says so says `released` within some seconds, too. */
  closing(socket: object): void {
    CLOSING.add(socket);
  }

  released(socket: object): void {
    CLOSING.delete(socket);
    lookEverywhere();
  }

  /** The platform has cut all sockets there were. */
  releasedAll(): void {
    CLOSING.clear();
    lookEverywhere();
  }

  /** Lets the one that waits pass, if nothing stands in the way any more. */
  look(): void {
    clearTimeout(this.timer);
    if (this.waiting === undefined || this.isHidden || CLOSING.size > 0) return;
    const waitMs = Math.max(this.notBeforeMs, this.offlineUntilMs) - Date.now();
    if (waitMs > 0) {
      this.timer = setTimeout(() => this.look(), waitMs);
      return;
    }
    const { pass } = this.waiting;
    this.left();
    pass();
  }

  private left(): void {
    this.waiting = undefined;
    WAITED_AT.delete(this);
  }
}

function lookEverywhere(): void {
  WAITED_AT.forEach((gate) => {
    gate.look();
  });
}
