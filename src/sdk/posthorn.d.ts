/**
 * Posthorn's client for mini-programs and browsers.
 *
 * ```js
 * const posthorn = createPosthorn({ url: "wss://push.example.com", getTicket });
 * const kiosk = posthorn.device("kiosk-7");
 * kiosk.on("event", (event) => console.log(event.type, event.data));
 * await kiosk.command("open", { slot: 4 }, { timeout: 20_000 });
 * ```
 */

/**
 * Opens the one connection of this app to the server at `url`, or gives the one it has already
 * (then the other options have no effect). It connects by itself, comes back by itself after every cut, and replays what was missed.
 * Throws a TypeError at once, before it asks for a ticket, when `url` is none, when there is no
 * WebSocket (Node before 22), and when it does not find the mini-program's platform.
 */
export declare function createPosthorn(options: PosthornOptions): Posthorn;

export interface PosthornOptions {
  /** `wss://` and the host, with a port if need be. `ws://` only in a LAN and in development. */
  readonly url: string;
  /**
   * Asks your backend for what lets this user in: a ticket (`POST /v1/tickets`) or a token. Called
   * before every connection that needs a new one, also after the app was in the background, so it
   * must not call `wx.login` each time. `null` says that nobody is signed in: then the client stops.
   * A rejection is tried again, later and later, and so is what is neither text nor `null`:
   * `undefined`, an empty text, the backend's whole answer. Absent: the server lets everyone in.
   */
  readonly getTicket?: () => Promise<string | null> | string | null;
  /** Found by itself, except for Taro, whose API is no global. */
  readonly platform?: PlatformName | PlatformChoice;
  /**
   * What becomes of the connection while the app is hidden. `"close"`, the default in mini-programs:
   * it is closed after 4 s, before the platform cuts it, and resumed when the app is shown.
   * `"keep"`, the default in browsers: it stays for as long as the platform lets it.
   */
  readonly background?: "close" | "keep";
}

export type PlatformName = "wx" | "alipay" | "douyin" | "uni" | "taro" | "browser";

/** The platform with its API, e.g. `{ name: "taro", api: Taro }`. */
export interface PlatformChoice {
  readonly name: PlatformName;
  readonly api: object;
}

/** Takes back what the call that gave it did. Twice is harmless. */
export type Unsubscribe = () => void;

export interface Posthorn {
  readonly status: Status;
  /** One device. The same id gives the same object. */
  device(id: string): Device;
  /** Called with every new status. */
  on(name: "status", listener: (status: Status) => void): Unsubscribe;
  /** Starts again after `stopped`, e.g. when the user has signed in. Otherwise it does nothing. */
  connect(): void;
  /** Closes the connection for good and forgets all listeners. */
  close(): void;
}

/**
 * - `connecting`: on the way, for the first time or again
 * - `connected`: what devices post arrives at once
 * - `paused`: the app is hidden; it goes on when it is shown
 * - `stopped`: refused for good; `problem` says why, `connect()` tries again
 * - `closed`: by `close()`
 */
export interface Status {
  readonly state: "connecting" | "connected" | "paused" | "stopped" | "closed";
  /** What went wrong last; absent while all is well. */
  readonly problem?: Problem;
}

/** Something that went wrong, and what a developer can do about it. */
export interface Problem {
  readonly cause: ProblemCause;
  readonly remedy: string;
  /** The words of the platform or the server. */
  readonly text: string;
  /** The close code or the error code of the server, if it was the server that spoke. */
  readonly code?: number;
}

export type ProblemCause =
  | "app_hidden"
  | "channel_denied"
  | "connection_limit"
  | "connection_lost"
  | "domain_not_listed"
  | "draining"
  | "handshake_refused"
  | "headers_stripped"
  | "network_unknown"
  | "refused"
  | "replaced"
  | "signed_out"
  | "ticket_failed"
  | "ticket_refused"
  | "timed_out"
  | "tls_failed"
  | "token_expired"
  | "token_invalid"
  | "too_many_sockets"
  | "unreachable"
  | "url_invalid";

export interface Device {
  readonly id: string;
  /** What it last said of itself and was last asked to be; undefined until it is known. */
  readonly state: DeviceState | undefined;
  /** Undefined until it is known. */
  readonly online: boolean | undefined;
  /** What the device posts. */
  on(name: "event", listener: (event: DeviceEvent) => void): Unsubscribe;
  /** Called at once with the state that is known, then with every new one. */
  on(name: "state", listener: (state: DeviceState) => void): Unsubscribe;
  /** Called at once if it is known, then when the device comes or goes. */
  on(name: "online", listener: (online: boolean) => void): Unsubscribe;
  /** Every step of every command to this device, whoever sent it. */
  on(name: "command", listener: (change: CommandChange) => void): Unsubscribe;
  /** The pause was longer than what the server keeps: load what you show anew. */
  on(name: "gap", listener: () => void): Unsubscribe;
  /** This user may not listen to this device, or the device's channel is refused for another reason. */
  on(name: "problem", listener: (problem: Problem) => void): Unsubscribe;
  /**
   * Sends a command and resolves to what the device answers. It is sent at most once, also when the
   * connection breaks meanwhile. Rejects with a {@link CommandError}.
   */
  command(type: string, data?: unknown, options?: CommandOptions): Promise<unknown>;
}

/** What a device posted. */
export interface DeviceEvent {
  readonly id: string;
  readonly type: string;
  readonly device: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly data: unknown;
}

export interface DeviceState {
  /** What the device says of itself. */
  readonly reported: Readonly<Record<string, unknown>>;
  /** What it was asked to be. */
  readonly desired: Readonly<Record<string, unknown>>;
  readonly reportedVersion: number;
  readonly desiredVersion: number;
}

export interface CommandOptions {
  /** Milliseconds to wait for the answer, from the call on; 30,000 by default. */
  readonly timeout?: number;
  /**
   * Seconds for which the device may still pick it up. By default as long as `timeout`: nobody wants
   * a door to open an hour after the button was pressed. The server counts whole seconds, at least 1,
   * from when the command has reached it, so that default is `timeout` rounded up, and a device may
   * obey a command some seconds after it was given up here with `timeout`.
   */
  readonly ttl?: number;
}

export type CommandStatus =
  | "queued"
  | "sent"
  | "acked"
  | "done"
  | "failed"
  | "expired"
  | "canceled";

export interface CommandChange {
  readonly id: string;
  readonly type: string;
  readonly status: CommandStatus;
  /** With `done` what the device answered. */
  readonly data?: unknown;
  /** With `failed` what the device complained of. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * Why a command brought no answer. `code` is the device's own for a command that failed, or one of
 * `timeout`, `expired`, `canceled`, `closed`, `refused`.
 */
export interface CommandError extends Error {
  readonly code: string;
}
