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
 * Throws a TypeError at once, before it asks for a ticket, when `url` is none or is the one that
 * `POST /v1/tickets` answers (`/login?ticket=…`), when there is no WebSocket (Node before 22), and when it
 * does not find the mini-program's platform.
 */
export declare function createPosthorn(options: PosthornOptions): Posthorn;

export interface PosthornOptions {
  /**
   * `wss://` and the host, with a port if need be, and no query. `ws://` only in a LAN and in development.
   */
  readonly url: string;
  /**
   * Asks your backend for what lets this user in: a ticket (`POST /v1/tickets`) or a token. Called
   * before every connection that needs a new one, also after the app was in the background, so it
   * must not call `wx.login` each time; and while connected, before the time of a token is over. A call
   * that was under way when the app was paused is given up, and made anew when the app is shown. A ticket
   * that was never sent, because the network went away before, is shown at the next attempt if that comes
   * within 30 s. `null` says that nobody is signed in: then the client stops. A rejection is tried again,
   * later and later, and so is what is neither text nor `null`: `undefined`, an empty text, the backend's
   * whole answer. Absent: the server lets everyone in.
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
  /**
   * The language of every `remedy`. By default that of the app or the browser: `"zh"` where it is
   * Chinese, otherwise `"en"`.
   */
  readonly lang?: Language;
}

export type Language = "en" | "zh";

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
  /**
   * Called with every new status. Here and at a device, a name that there is not is a TypeError: what is
   * wrong with the connection is told as `problem` of the status.
   */
  on(name: "status", listener: (status: Status) => void): Unsubscribe;
  /**
   * Starts again after `stopped`, e.g. when the user has signed in, and asks getTicket anew. Otherwise it
   * does nothing. A command that was sent before `stopped` is never sent again, only asked for. A change of
   * user needs `close()` and createPosthorn: while the connection lasts it is that of the user before.
   */
  connect(): void;
  /**
   * Closes the connection for good and forgets all listeners. From then on `device()` and every `on()`
   * throw an Error, and `command()` rejects with `closed`; createPosthorn opens a new connection.
   */
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
  /** In the language that `lang` says. */
  readonly remedy: string;
  /** The words of the platform or the server, and the platform's numbers: `… (errno 600002)`. */
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
  | "ticket_missing"
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
  /**
   * What it last said of itself and was last asked to be; undefined until it is known, and again when
   * this user may not listen to it any more.
   */
  readonly state: DeviceState | undefined;
  /** Undefined until it is known, and again when this user may not listen to it any more. */
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
  /**
   * This user may not listen to this device, or may not any more, or the device's channel is refused
   * for another reason. Told once; when the device is given to the user after all, it is heard again.
   */
  on(name: "problem", listener: (problem: Problem) => void): Unsubscribe;
  /**
   * Sends a command and resolves to what the device answers, also where this user may not listen to
   * the device. However often the connection breaks meanwhile, it is one command with one id. A device
   * is given it again until it has acknowledged it, so that it is obeyed once by a device that keeps
   * the ids of what it has obeyed. Where there is no connection it waits for one, and is sent with what is
   * left of its `ttl`; when its time is over it is never sent any more. `data` is taken as it is at the
   * call. Rejects with a {@link CommandError}, and at once with a TypeError where `timeout` or `ttl` is none
   * or `data` is no JSON (a cycle, a BigInt, a function).
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
  /**
   * Milliseconds to wait for the answer, from the call on: 1 to 86,400,000 (a day), 30,000 by default. When
   * they are over, the server is asked once more what became of a command that was sent, which takes 5 s at
   * most. While the app is hidden or there is no connection, that question waits for the next connection: for
   * as long as the app is hidden, and otherwise for 5 minutes at most, however often connections break.
   */
  readonly timeout?: number;
  /**
   * Seconds for which the device may pick it up, from the call on, at most 2,592,000 (30 days). By default as
   * long as `timeout`: nobody wants a door to open an hour after the button was pressed. The server is told
   * what is left when it is sent, in whole seconds rounded up, and counts them from when the command has
   * reached it: a device may obey a command some seconds after it was given up here with `timeout`.
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
 * Why a command brought no answer. `code` is the device's own for a command that failed, or one of these:
 *
 * - `refused`: the server does not let this user send it, or cannot take it, and has not taken it before;
 *   `message` says why
 * - `expired`, `canceled`: it ended before the device obeyed it
 * - `timeout`: there was no answer in time
 * - `stopped`, `signed_out`: it was not sent, because the connection is stopped, or nobody is signed in
 *   (`getTicket` gave `null`); `connect()` tries again
 * - `closed`: by `close()`
 *
 * After `timeout` and `closed` the device may have obeyed it all the same, or may still do so.
 */
export interface CommandError extends Error {
  readonly code: string;
}
