import { State } from "centrifuge";
import { afterAwake } from "./awake-timer.ts";
import { CommandFailure, isRefusal, type RpcError, whyUnsendable } from "./command-failure.ts";
import type { CommandTimes } from "./command-times.ts";
import type { DeviceChannel } from "./device-channel.ts";
import type { CommandOnWire } from "./read-change.ts";
import type { Session } from "./session.ts";

/** There is no such command. */
const UNKNOWN = 404;

/** For how long the server may hold an answer: shorter than answers are waited for, by what a bad network takes. */
const WAIT_MAX_MS = 5_000;

/** A server that drains lets everyone go at once. */
const WAIT_AGAIN_MS = 200;

const RETRY_MS = 1_000;

/** How often it is asked for although its end is to be heard on the channel. */
const LOOK_MS = 10_000;

/** Beyond its time: for the last answer, and in all, with a connection over which to ask. */
const LAST_ANSWER_MAX_MS = 5_000;
const LAST_CONNECTION_MAX_MS = 5 * 60_000;

/** Steps of commands to this device that are kept until it is known whose they are. */
const HEARD_MAX = 20;

export interface PendingOptions {
  /** The data of `command.send`, without what depends on when it is sent. */
  readonly request: Readonly<Record<"device" | "key", string>> & Readonly<Record<string, unknown>>;
  readonly times: CommandTimes;
  /** Called once, with why there is no answer or with the answer. */
  readonly ended: (failure: CommandFailure | undefined, data?: unknown) => void;
}

/** Where a command is, as far as this app can know. */
type Place =
  | { readonly at: "app" }
  /** It was sent, and may have been lost. What was heard meanwhile may be about it: only its id tells. */
  | { readonly at: "way"; readonly heard: CommandOnWire[] }
  | { readonly at: "server"; readonly id: string }
  | { readonly at: "end" };

/**
 * One command that has no end yet. It is sent, again if need be, while it has time left, and with no more
 * than that, and never again once another user may have signed in. When its time is up and it may have reached the server, it is asked once more what became of
 * it, as soon as there is a connection, by a call that never sends: of what ended while the app was
 * frozen nobody could be told.
 */
export class PendingCommand {
  private readonly session: Session;
  private readonly channel: DeviceChannel;
  private readonly options: PendingOptions;
  private place: Place = { at: "app" };
  private isAsking = false;
  /** Whether the last call could not send it. */
  private isLookUp = false;
  private sends = 0;
  /** Not when its sender may have gone, or has no right to it: sent again it could become a second command. */
  private mayBeSent = true;
  /** The answer to a later copy; what became of an earlier one it does not say. */
  private refusal: CommandFailure | undefined;
  private dueMs: number;
  /** Until when a device may pick it up. */
  private readonly expiresMs: number;
  /** Until it is asked for again. */
  private pause: ReturnType<typeof setTimeout> | undefined;
  private stopLimit: () => void;
  private stopLastAnswer = nothing;
  private readonly forgetStatus: () => void;

  constructor(session: Session, channel: DeviceChannel, options: PendingOptions) {
    this.session = session;
    this.channel = channel;
    this.options = options;
    const { timeoutMs, ttlMs } = options.times;
    this.dueMs = Date.now() + timeoutMs;
    this.expiresMs = Date.now() + ttlMs;
    const limit = setTimeout(() => this.overdue(), timeoutMs);
    this.stopLimit = () => clearTimeout(limit);
    this.forgetStatus = session.statuses.add((status) => this.senderMayGo(whyUnsendable(status)));
  }

  /** Sends it, or learns where it is when it was sent before: the server knows it by its key. */
  ask(waitMs = 0): void {
    if (this.isAsking || this.isOver()) return;
    clearTimeout(this.pause);
    this.isAsking = true;
    this.call(waitMs).then(
      (data) => {
        this.isAsking = false;
        if (!this.isOver()) this.answered((data ?? {}) as CommandOnWire, waitMs);
      },
      (error: RpcError) => {
        this.isAsking = false;
        if (!this.isOver()) this.unanswered(error);
      },
    );
  }

  /** A step of some command to this device, perhaps of this one. */
  heard(change: CommandOnWire): void {
    const { place } = this;
    if (place.at === "way") {
      place.heard.push(change);
      if (place.heard.length > HEARD_MAX) place.heard.shift();
    } else if (place.at === "server" && change.command === place.id) {
      this.became(change);
    }
  }

  fail(failure: CommandFailure): void {
    this.end(failure);
  }

  private async call(waitMs: number): Promise<unknown> {
    this.limitLastAnswer();
    // The client would keep it until it is connected, and send what was given up meanwhile.
    await this.session.client.ready();
    if (this.isOver()) return undefined;
    this.limitLastAnswer();
    const ttlMs = this.ttlMs();
    this.isLookUp = ttlMs <= 0;
    return this.isLookUp ? this.lookUp() : this.send(ttlMs, waitMs);
  }

  private async send(ttlMs: number, waitMs: number): Promise<unknown> {
    if (this.place.at === "app") this.place = { at: "way", heard: [] };
    this.sends += 1;
    const { request } = this.options;
    const timed = { ...request, ttl: Math.ceil(ttlMs / 1000) };
    const call = waitMs > 0 ? { ...timed, wait: waitMs / 1000 } : timed;
    return (await this.session.client.rpc("command.send", call)).data;
  }

  /** Learns where it is by a call that cannot send it: it would be obeyed when nobody wants it any more. */
  private async lookUp(): Promise<unknown> {
    const { place, options, session } = this;
    if (place.at === "app") {
      this.givenUpUnsent();
      return undefined;
    }
    const { device, key } = options.request;
    const asked = place.at === "server" ? { device, id: place.id } : { device, key };
    return (await session.client.rpc("command.get", asked)).data;
  }

  private answered(answer: CommandOnWire, waitedMs: number): void {
    this.taken(answer);
    if (this.isOver()) return;
    const leftMs = this.dueMs - Date.now();
    if (this.isOverdue()) this.timedOut();
    else if (this.channel.isHeard) this.askIn(LOOK_MS);
    // The server lets nobody wait who only looks.
    else if (this.ttlMs() <= 0) this.askIn(RETRY_MS);
    else if (waitedMs === 0 && leftMs > 0) this.ask(Math.min(WAIT_MAX_MS, leftMs));
    else this.askIn(WAIT_AGAIN_MS);
  }

  /** The server answered with the command; with what was heard before it is known by its id. */
  private taken(answer: CommandOnWire): void {
    const { place } = this;
    const { id } = answer;
    if (id === undefined) return;
    this.place = { at: "server", id };
    this.became(answer);
    if (place.at === "way") for (const change of place.heard) this.heard(change);
  }

  private became({ status, result }: CommandOnWire): void {
    if (status === "done") {
      this.end(undefined, result?.data);
    } else if (status === "failed") {
      const { code = status, message = status } = result?.error ?? {};
      this.end(new CommandFailure(code, message));
    } else if (status === "expired" || status === "canceled") {
      const message = `The command was ${status} before the device obeyed it`;
      this.end(new CommandFailure(status, message));
    }
  }

  private unanswered(error: RpcError): void {
    const { place, session } = this;
    const isRefused = isRefusal(error);
    const unsendable = whyUnsendable(session.status);
    if (place.at === "app" && unsendable !== undefined) {
      this.end(unsendable);
    } else if (this.isOverdue() && (isRefused || unsendable !== undefined)) {
      this.timedOut();
    } else if (isRefused) {
      this.refused(error);
    } else {
      this.limitLastAnswer();
      this.askIn(RETRY_MS);
    }
  }

  private overdue(): void {
    // For good, whatever the clock of the phone says or is set to.
    this.dueMs = 0;
    if (this.place.at === "app") {
      this.timedOut();
      return;
    }
    this.stopLimit = afterAwake(this.session, LAST_CONNECTION_MAX_MS, () => this.timedOut());
    this.limitLastAnswer();
    this.ask();
  }

  /** An answer takes seconds at most; without a connection nobody is asked, and that may take longer. */
  private limitLastAnswer(): void {
    if (!this.isOverdue()) return;
    if (this.session.client.state !== State.Connected) {
      this.stopLastAnswer();
      this.stopLastAnswer = nothing;
    } else if (this.stopLastAnswer === nothing) {
      const { session } = this;
      this.stopLastAnswer = afterAwake(session, LAST_ANSWER_MAX_MS, () => this.timedOut());
    }
  }

  private askIn(ms: number): void {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.ask(), ms);
  }

  /** Whoever signs in next must not send what this user asked for. */
  private senderMayGo(unsendable: CommandFailure | undefined): void {
    if (unsendable === undefined) return;
    if (this.place.at === "app") this.end(unsendable);
    this.mayBeSent = false;
    this.refusal = undefined;
  }

  private refused({ code, message }: RpcError): void {
    if (this.isLookUp) {
      this.notFound(code);
      return;
    }
    this.refusal = new CommandFailure("refused", `The server refused it: ${message} (${code})`);
    if (this.sends === 1) {
      this.end(this.refusal);
    } else {
      // The right to send has gone since an earlier copy, which may have been taken.
      this.mayBeSent = false;
      this.ask();
    }
  }

  private notFound(code: number): void {
    const text = "Cannot find it at the server, and it must not be sent again";
    const known = code === UNKNOWN ? this.refusal : undefined;
    // Of one that was taken the channel may still tell.
    if (this.place.at === "server") this.askIn(LOOK_MS);
    else this.end(known ?? new CommandFailure("timeout", text));
  }

  private givenUpUnsent(): void {
    if (this.isOverdue()) this.timedOut();
    else this.end(new CommandFailure("expired", "The command expired before it could be sent"));
  }

  private timedOut(): void {
    const { timeoutMs } = this.options.times;
    this.end(new CommandFailure("timeout", `Cannot wait longer: no answer in ${timeoutMs} ms`));
  }

  private end(failure: CommandFailure | undefined, data?: unknown): void {
    if (this.isOver()) return;
    this.place = { at: "end" };
    this.stopLimit();
    this.stopLastAnswer();
    this.forgetStatus();
    clearTimeout(this.pause);
    this.options.ended(failure, data);
  }

  /** For how long a device may pick it up if it is sent now; none: it is not to be sent. */
  private ttlMs(): number {
    const { ttlMs } = this.options.times;
    return this.isOverdue() || !this.mayBeSent ? 0 : Math.min(ttlMs, this.expiresMs - Date.now());
  }

  private isOverdue(): boolean {
    return Date.now() >= this.dueMs;
  }

  private isOver(): boolean {
    return this.place.at === "end";
  }
}

function nothing(): void {
  // There is no timer to stop.
}
