import type { Gate } from "./gate.ts";
import type { Link, LinkEvents, Platform } from "./platform.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** An opening that nobody told of is then tried out by sending. */
const PROBE_AFTER_MS = 2_000;

/** How long a platform may take to tell of a close. */
const CLOSE_MAX_MS = 2_000;

/** What the sockets tell the session. */
export interface SocketWatch {
  readonly gate: Gate;
  /** A frame arrived. */
  heard(): void;
  /** A frame was handed to the platform, or it said later that it did not take it. */
  sent(text: string, isSent: boolean): void;
  /** In the platform's own words; `wasOpen` says whether this socket had ever been open. */
  troubled(text: string, wasOpen: boolean): void;
  /** The connection is over; told before the protocol hears of it. */
  ended(code: number, reason: string, wasOpen: boolean): void;
  /** It ended without having been asked to, and the protocol has heard of it. */
  lost(code: number): void;
}

/** The part of the WebSocket shape that the protocol's client uses. */
interface SocketShape {
  onopen: (() => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A WebSocket class over the sockets of this platform. */
export function createSocketClass(
  platform: Platform,
  watch: SocketWatch,
): new (
  url: string,
) => SocketShape {
  return class extends PlatformSocket {
    constructor(url: string) {
      super(url, platform, watch);
    }
  };
}

class PlatformSocket implements SocketShape, LinkEvents {
  onopen: SocketShape["onopen"] = null;
  onclose: SocketShape["onclose"] = null;
  onmessage: SocketShape["onmessage"] = null;
  private state = CONNECTING;
  /** Known, and not only believed because nothing was heard of it. */
  private wasOpen = false;
  /** Frames that the platform would not take yet. */
  private unsent: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly link: Link;
  private readonly watch: SocketWatch;

  constructor(url: string, platform: Platform, watch: SocketWatch) {
    this.watch = watch;
    if (platform.losesOpen) this.timer = setTimeout(() => this.begin(), PROBE_AFTER_MS);
    this.link = platform.open(url, this);
  }

  send(text: string): void {
    if (this.state !== OPEN) return;
    this.watch.sent(text, true);
    this.link.send(text, () => {
      // The timer of one that is being closed is another.
      if (this.state !== OPEN) return;
      this.watch.sent(text, false);
      this.unsent.push(text);
      // A socket that was only believed to be open: its real opening may still come.
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.sendAgain(), PROBE_AFTER_MS);
    });
  }

  close(): void {
    if (this.state >= CLOSING) return;
    this.state = CLOSING;
    this.watch.gate.closing(this);
    this.watch.ended(1000, "", this.wasOpen);
    this.link.close();
    this.awaitRelease();
  }

  opened(): void {
    this.wasOpen = true;
    // Some platforms take no notice of a close that comes before the opening.
    if (this.state >= CLOSING) this.link.close();
    else if (this.state === OPEN) this.sendAgain();
    else this.begin();
  }

  message(text: string): void {
    if (this.state >= CLOSING) return;
    // Whoever hears something is connected, whether that was told or not.
    if (!this.wasOpen) this.opened();
    this.watch.heard();
    this.onmessage?.({ data: text });
  }

  failed(text: string): void {
    if (this.state >= CLOSING) return;
    this.watch.troubled(text, this.wasOpen);
    // Before the protocol hears of it, which may want another socket at once.
    this.watch.gate.closing(this);
    this.finish(1006, text);
    this.link.close();
    this.awaitRelease();
  }

  closed(code: number, reason: string): void {
    this.finish(code, reason);
    this.release();
  }

  private finish(code: number, reason: string): void {
    const wasClosing = this.state >= CLOSING;
    this.state = CLOSED;
    clearTimeout(this.timer);
    if (wasClosing) return;
    this.watch.ended(code, reason, this.wasOpen);
    // A JSON reason without advice in it would be read as advice to stay away.
    this.onclose?.({ code, reason: reason.charAt(0) === "{" ? "" : reason });
    this.watch.lost(code);
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.state = OPEN;
    this.onopen?.();
  }

  private sendAgain(): void {
    clearTimeout(this.timer);
    const texts = this.unsent;
    this.unsent = [];
    for (const text of texts) this.send(text);
  }

  /** The platform counts a socket until it told of its close, unless it forgets to. */
  private awaitRelease(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.release(), CLOSE_MAX_MS);
  }

  private release(): void {
    clearTimeout(this.timer);
    this.watch.gate.released(this);
  }
}
