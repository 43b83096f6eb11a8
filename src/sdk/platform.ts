import type { PlatformName } from "./posthorn.d.ts";

/** What one socket tells. `closed` comes last and may be missing after `failed`. */
export interface LinkEvents {
  opened(): void;
  message(text: string): void;
  /** In the platform's own words. */
  failed(text: string): void;
  closed(code: number, reason: string): void;
}

/** One socket of a platform. */
export interface Link {
  /** Calls `failed` when the platform says that it did not send. */
  send(text: string, failed: () => void): void;
  close(): void;
}

/**
 * What the client asks of the platform it runs on.
 *
 * `open` MUST NOT throw: what goes wrong is told by the events, and not before it has returned. An
 * implementation MUST register its handlers before control returns to the platform wherever the
 * platform gives it a socket at once: some lose what happens before.
 */
export interface Platform {
  readonly name: PlatformName;
  /** The opening of a socket can go unnoticed. */
  readonly losesOpen: boolean;
  /** A hidden app is frozen after some seconds and its sockets are cut. */
  readonly freezes: boolean;
  open(url: string, events: LinkEvents): Link;
  onShow(run: () => void): void;
  onHide(run: () => void): void;
  /** Every change of the network, and on some platforms what is none. */
  onNetwork(run: (isConnected: boolean, kind: string) => void): void;
  /** The kind of network there is now, in the words of `onNetwork`; told later, or never. */
  findNetwork(run: (kind: string) => void): void;
  /** Of the app or the page, such as `zh_CN`; empty where that is not known. */
  language(): string;
}
