import type { Gate } from "./gate.ts";
import type { NetworkEvents } from "./network-events.ts";
import type { Platform } from "./platform.ts";

/** The platform freezes an app 5 s after it was hidden, and cuts its sockets. */
const CLOSE_AFTER_HIDE_MS = 4_000;

const TICK_MS = 1_000;

/** Timers that stood still this long were frozen. */
const FROZEN_MS = 3 * TICK_MS;

/** Within this time after the app was shown a platform tells what it cut while the app was hidden. */
const AFTERMATH_MS = 5_000;

/** The server speaks at least every 25 s. */
const SILENT_MS = 50_000;

export interface LifecycleOptions {
  readonly platform: Platform;
  readonly gate: Gate;
  readonly network: NetworkEvents;
  readonly closesWhenHidden: boolean;
  /** The app was hidden long enough for the connection to be closed, or is back. */
  readonly onPaused: (isPaused: boolean) => void;
  /** Requests that were under way are over, or will soon be, and may never say so. */
  readonly onCut: () => void;
}

/** Follows the app through background, freezing and changes of the network. */
export class Lifecycle {
  private readonly options: LifecycleOptions;
  /** When the server was last heard. */
  heardAtMs = Date.now();
  private tickedAtMs = 0;
  private shownAtMs = 0;
  private ticks: ReturnType<typeof setInterval> | undefined;
  private closing: ReturnType<typeof setTimeout> | undefined;
  /** Of the network that was there last; unknown at first. */
  private kind: string | undefined;
  private isOffline = false;
  private isOver = false;

  constructor(options: LifecycleOptions) {
    this.options = options;
    const { platform } = options;
    // No platform lets all of these be taken back, so they are deaf once it is over.
    platform.onHide(() => this.isOver || this.hidden());
    platform.onShow(() => this.isOver || this.shown());
    platform.onNetwork(
      (isConnected, kind) => this.isOver || this.networkChanged(isConnected, kind),
    );
    platform.findNetwork((kind) => {
      this.kind = this.kind ?? kind;
    });
  }

  /** The socket was lost; if it was lost to the background, there is nothing to wait for. */
  lost(): void {
    if (Date.now() - this.shownAtMs > AFTERMATH_MS) return;
    this.shownAtMs = 0;
    this.options.network.hurry();
  }

  end(): void {
    this.isOver = true;
    clearInterval(this.ticks);
    clearTimeout(this.closing);
  }

  private hidden(): void {
    const { platform, closesWhenHidden } = this.options;
    clearInterval(this.ticks);
    clearTimeout(this.closing);
    if (closesWhenHidden) this.closing = setTimeout(() => this.pause(), CLOSE_AFTER_HIDE_MS);
    // Elsewhere timers of hidden apps are merely slow, and prove nothing.
    if (!platform.freezes) return;
    this.tickedAtMs = Date.now();
    this.ticks = setInterval(() => {
      // One that runs late after a freeze must not hide it from `shown`.
      if (this.frozenMs() < FROZEN_MS) this.tickedAtMs = Date.now();
    }, TICK_MS);
  }

  private pause(): void {
    const { gate, network, onPaused, onCut } = this.options;
    gate.setHidden(true);
    onCut();
    onPaused(true);
    network.drop();
  }

  private shown(): void {
    const { gate, network, onPaused, onCut } = this.options;
    this.shownAtMs = Date.now();
    const wasFrozen = this.ticks !== undefined && this.frozenMs() >= FROZEN_MS;
    clearInterval(this.ticks);
    clearTimeout(this.closing);
    this.ticks = undefined;
    // The close of a socket that was cut meanwhile may come late or never.
    if (wasFrozen || Date.now() - this.heardAtMs > SILENT_MS) network.drop();
    if (wasFrozen) {
      gate.releasedAll();
      onCut();
    }
    gate.setHidden(false);
    onPaused(false);
    network.hurry();
  }

  private networkChanged(isConnected: boolean, kind: string): void {
    const { gate, network } = this.options;
    const isOther = this.kind !== undefined && kind !== this.kind;
    // What was connected through another network is dead, though nobody may say so for minutes.
    if (!isConnected || this.isOffline || isOther) network.drop();
    if (isConnected) this.kind = kind;
    this.isOffline = !isConnected;
    gate.setOffline(!isConnected);
    if (isConnected) network.hurry();
  }

  private frozenMs(): number {
    return Date.now() - this.tickedAtMs;
  }
}
