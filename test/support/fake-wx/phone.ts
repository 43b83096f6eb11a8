import { runBare } from "./bare-context.ts";
import { type ConnectOptions, refuseConnect } from "./connect-socket.ts";
import { PhoneClock } from "./phone-clock.ts";
import { FakeSocketTask, type TaskHost } from "./socket-task.ts";
import type { System } from "./texts.ts";

/** From hiding to the freezing of all code and the cutting of all sockets. */
const SUSPEND_MS = 5_000;

/** From hiding to the end of the app. */
const DESTROY_MS = 30 * 60_000;

export interface PhoneOptions {
  readonly system?: System;
  /** The "socket legal domains" of the console; absent: not checked. */
  readonly domains?: readonly string[];
  readonly socketsMax?: number;
  readonly closeDelayMs?: number;
  readonly losesOpen?: boolean;
  readonly ignoresEarlyClose?: boolean;
  /** PEM text of the authority of the test's server. */
  readonly ca?: string;
  /** A socket that was cut in the background is never told of. */
  readonly forgetsInterrupted?: boolean;
  /** As `wx.getAppBaseInfo()` tells it; absent: a version of WeChat that does not know the call. */
  readonly language?: string;
}

export type AppState = "shown" | "hidden" | "suspended" | "destroyed";

interface NetworkStatus {
  readonly isConnected: boolean;
  readonly networkType: string;
}

/**
 * A phone with WeChat on it, as far as sockets go: a `wx` that behaves as the documentation says and
 * as developers have found out, over real sockets, with a clock that the test moves.
 *
 * - `launch(source)` runs a CommonJS file where the only globals are those phones have: no
 *   WebSocket, URL, fetch, TextDecoder, AbortController, EventTarget, globalThis.
 * - `connectSocket` makes a task: `success` says no more than that. Its checks: the url, the domain
 *   list (with the exception for a LAN), `protocols` as an array (Android), at most five sockets,
 *   counted until their close was told, which can take its time (`closeDelayMs`).
 * - A task has six methods. `send` before the opening fails, a typed array vanishes without a word,
 *   `close` knows the codes 1000 and 3000–4999 and reasons of 123 bytes. Handlers that are
 *   registered late miss what was before. The opening may get lost (`losesOpen`), and a close before
 *   it may have no effect (`ignoresEarlyClose`).
 * - `hide()`: after 5 s of the phone's time the code is frozen, timers and all, and the sockets are
 *   cut; `show()` thaws it, tells of the cut with `1000 interrupted` and runs overdue timers; after
 *   30 min the app is destroyed and has to be launched anew.
 * - `changeNetwork()` leaves the sockets dead without a word, and tells of the change. With the
 *   network there is already, which phones tell of now and then, it only tells.
 *
 * Nothing of the app ever runs inside a call that the app made: answers come later, as on a phone.
 */
export class Phone implements Disposable {
  readonly clock = new PhoneClock();
  /** Every socket the app opened. */
  readonly tasks: FakeSocketTask[] = [];
  /** What the app did wrong and a real phone would not have mentioned. */
  readonly complaints: string[] = [];
  /** What the app threw where nobody caught it. */
  readonly errors: unknown[] = [];
  /** How often the app called `connectSocket`. */
  connects = 0;
  state: AppState = "shown";
  /** By how much its user has set the time of day; timers do not go by it. */
  timeOfDayErrorMs = 0;
  readonly #options: PhoneOptions;
  #networkType = "wifi";
  #hooks = { show: [] as Hook[], hide: [] as Hook[], network: [] as Hook[] };
  #kept: (() => void)[] = [];
  #planned: (() => void)[] = [];
  #app = 0;

  constructor(options: PhoneOptions = {}) {
    this.#options = options;
  }

  /** Sockets that count for the limit. */
  get sockets(): number {
    return this.tasks.filter(({ state }) => state !== "closed").length;
  }

  /** Starts the app and gives what the file exports. */
  launch<Exports>(source: string): Exports {
    this.state = "shown";
    this.#app += 1;
    const globals = { wx: this.#wx(), console, ...this.#guardedTimers() };
    const timeOfDayMs = () => this.clock.nowMs + this.timeOfDayErrorMs;
    return runBare(source, globals, timeOfDayMs) as Exports;
  }

  hide(): void {
    if (this.state !== "shown") return;
    this.state = "hidden";
    this.#call(this.#hooks.hide, undefined);
    this.#planned = [
      this.clock.after(SUSPEND_MS, () => this.#suspend()),
      this.clock.after(DESTROY_MS, () => this.destroy()),
    ];
  }

  show(): void {
    if (this.state === "destroyed") throw new Error("Cannot show the app: it was destroyed");
    for (const cancel of this.#planned) cancel();
    const wasSuspended = this.state === "suspended";
    this.state = "shown";
    this.#call(this.#hooks.show, undefined);
    if (!wasSuspended) return;
    const kept = this.#kept;
    this.#kept = [];
    for (const run of kept) this.#run(run);
    this.clock.thaw();
  }

  /** What the system does to an app that was away for too long, or a user who swipes it off. */
  destroy(): void {
    this.state = "destroyed";
    this.#app += 1;
    this.#kept = [];
    this.#hooks = { show: [], hide: [], network: [] };
    for (const task of this.tasks) task.interrupt(false);
    this.clock.forgetApp();
    this.clock.thaw();
  }

  /** Another network, or `none`. */
  changeNetwork(networkType: string): void {
    if (networkType !== this.#networkType) for (const task of this.tasks) task.goSilent();
    this.#networkType = networkType;
    const status: NetworkStatus = { isConnected: networkType !== "none", networkType };
    this.#call(this.#hooks.network, status);
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #suspend(): void {
    this.state = "suspended";
    this.clock.freeze();
    const isTold = this.#options.forgetsInterrupted !== true;
    for (const task of this.tasks) task.interrupt(isTold);
  }

  #wx() {
    const { language } = this.#options;
    return {
      ...(language !== undefined && { getAppBaseInfo: () => ({ language }) }),
      getNetworkType: ({ success, complete }: ConnectOptions) =>
        this.#host().deliver(() => {
          const answer = { errMsg: "getNetworkType:ok", networkType: this.#networkType };
          success?.(answer);
          complete?.(answer);
        }),
      connectSocket: (options: ConnectOptions) => this.#connectSocket(options),
      onAppShow: (run: Hook) => void this.#hooks.show.push(run),
      onAppHide: (run: Hook) => void this.#hooks.hide.push(run),
      onNetworkStatusChange: (run: Hook) => void this.#hooks.network.push(run),
    };
  }

  #connectSocket(options: ConnectOptions) {
    this.connects += 1;
    const { system = "android", domains, socketsMax = 5 } = this.#options;
    const refusal = refuseConnect(options, { system, domains, socketsMax, sockets: this.sockets });
    const host = this.#host();
    const { success, fail, complete } = options;
    if (refusal !== undefined) {
      host.deliver(() => {
        fail?.({ ...refusal });
        complete?.({ ...refusal });
      });
      return undefined;
    }
    const protocols = Array.isArray(options.protocols) ? options.protocols : undefined;
    const task = new FakeSocketTask(String(options.url), protocols, host);
    this.tasks.push(task);
    host.deliver(() => {
      // Long before the connection is open.
      success?.({ errMsg: "connectSocket:ok" });
      complete?.({ errMsg: "connectSocket:ok" });
    });
    return task.face();
  }

  /** What tasks of the running app may do; those of an app that is gone reach nobody. */
  #host(): TaskHost {
    const { system = "android", closeDelayMs = 0, ca } = this.#options;
    const { losesOpen = false, ignoresEarlyClose = false } = this.#options;
    const app = this.#app;
    return {
      system,
      closeDelayMs,
      losesOpen,
      ignoresEarlyClose,
      ca,
      headers: { referer: "https://servicewechat.com/wx0123456789abcdef/0/page-frame.html" },
      complain: (what) => void this.complaints.push(what),
      after: (ms, run) => void this.clock.after(ms, run),
      deliver: (run) => {
        const mine = () => {
          if (app === this.#app) this.#run(run);
        };
        if (this.state === "suspended") this.#kept.push(mine);
        else setImmediate(() => (this.state === "suspended" ? this.#kept.push(mine) : mine()));
      },
    };
  }

  #guardedTimers() {
    const { setTimeout: start, setInterval: repeat, ...rest } = this.clock.appGlobals();
    const guarded = (run: () => void) => () => this.#run(run);
    return {
      ...rest,
      setTimeout: (run: () => void, ms?: unknown) => start(guarded(run), ms),
      setInterval: (run: () => void, ms?: unknown) => repeat(guarded(run), ms),
    };
  }

  #call(hooks: readonly Hook[], value: unknown): void {
    for (const hook of [...hooks]) this.#run(() => hook(value));
  }

  /** What nobody catches ends up in the app's `onError`, not in the phone. */
  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.errors.push(error);
    }
  }
}

type Hook = (value: unknown) => void;
