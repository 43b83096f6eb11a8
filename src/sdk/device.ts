import type { SubscribedContext } from "centrifuge";
import { Commands } from "./commands.ts";
import { DeviceChannel } from "./device-channel.ts";
import type { GivenChannels } from "./given-channels.ts";
import { isNewer, readState } from "./known-state.ts";
import { guard, Listeners, listenersOf } from "./listeners.ts";
import type {
  CommandOptions,
  Device,
  DeviceEvent,
  DeviceState,
  Problem,
  Unsubscribe,
} from "./posthorn.d.ts";
import { readChange } from "./read-change.ts";
import type { Session } from "./session.ts";

type Name = "event" | "state" | "online" | "command" | "gap" | "problem";

/** One device: what it tells, what is known of it, and what it can be told. */
export class DeviceHandle implements Device {
  readonly id: string;
  state: DeviceState | undefined;
  online: boolean | undefined;
  private readonly session: Session;
  private readonly channel: DeviceChannel;
  private readonly commands: Commands;
  private readonly listeners: Readonly<Record<Name, Listeners<[never]>>>;
  private isReplaying = false;

  constructor(session: Session, given: GivenChannels, id: string) {
    this.id = id;
    this.session = session;
    const channel = new DeviceChannel(session, given, id);
    this.channel = channel;
    this.commands = new Commands(session, channel, id);
    this.listeners = {
      event: new Listeners(),
      state: new Listeners(),
      online: new Listeners(),
      command: new Listeners(),
      gap: new Listeners(),
      problem: new Listeners(),
    };
    channel.subscribed.add((context) => this.subscribed(context));
    channel.published.add(({ data }) => this.heard(data as DeviceEvent));
    channel.problems.add((problem) => this.lost(problem));
  }

  on(name: Name, listener: (value: never) => void): Unsubscribe {
    if (this.session.status.state === "closed") throw closedError(`listen to device ${this.id}`);
    const { channel, state, online } = this;
    const removeListener = listenersOf(this.listeners, name).add(listener);
    const release = channel.hold();
    if (name === "state" && state !== undefined) this.tellOne(listener, state);
    if (name === "online" && online !== undefined) this.tellOne(listener, online);
    const isMissed = state === undefined || (name === "online" && online === undefined);
    // No subscription will begin and bring it.
    if (channel.isHeard && isMissed) this.ask();
    return () => {
      removeListener();
      release();
    };
  }

  command(type: string, data?: unknown, options: CommandOptions = {}): Promise<unknown> {
    return this.commands.send(type, data, options);
  }

  /** For good: the connection is closed. */
  end(): void {
    this.commands.end();
    this.channel.end();
    for (const listeners of Object.values(this.listeners)) listeners.clear();
  }

  private subscribed({ data, wasRecovering, recovered }: SubscribedContext): void {
    const { state } = (data ?? {}) as { readonly state?: unknown };
    if (wasRecovering && !recovered) this.tell("gap", undefined);
    // The ends of commands may be among what was missed, also before the first subscription; and where
    // nothing was, the answer that says which command an end is of.
    this.commands.askAgain();
    const known = readState(state);
    if (known !== undefined) this.know(known);
    // One that the server gave brings no state.
    if (this.channel.isGiven || this.listeners.online.size > 0) this.ask();
    // What was missed is replayed in this very turn, and it is older than the state beside it.
    this.isReplaying = known !== undefined;
    setTimeout(() => {
      this.isReplaying = false;
    }, 0);
  }

  /** What was known was true as long as it was heard. */
  private lost(problem: Problem): void {
    this.state = undefined;
    this.online = undefined;
    this.tell("problem", problem);
    this.commands.askAgain();
  }

  private heard(event: DeviceEvent): void {
    // A backend may publish here too, in whatever form it likes.
    const { type } = Object(event) as Partial<DeviceEvent>;
    if (typeof type !== "string") return;
    if (type === "device.state") {
      const state = readState(event.data);
      const isNews = state !== undefined && (!this.isReplaying || isNewer(state, this.state));
      if (isNews) this.know(state);
    } else if (type === "device.online" || type === "device.offline") {
      this.knowOnline(type === "device.online");
    } else if (type.lastIndexOf("command.", 0) === 0) {
      this.commands.changed(event.data);
      this.tell("command", readChange(event));
    } else {
      this.tell("event", event);
    }
  }

  private ask(): void {
    this.session.client.rpc("device.get", { device: this.id }).then(
      ({ data }) => {
        if (!this.channel.isHeard) return;
        const { online, state } = (data ?? {}) as Readonly<Record<string, unknown>>;
        const known = readState(state);
        if (known !== undefined && isNewer(known, this.state)) this.know(known);
        if (typeof online === "boolean") this.knowOnline(online);
      },
      () => {
        // Nobody knows such a device yet, or the connection broke: it is asked again or told.
      },
    );
  }

  private know(state: DeviceState): void {
    this.state = state;
    this.tell("state", state);
  }

  private knowOnline(online: boolean): void {
    if (online === this.online) return;
    this.online = online;
    this.tell("online", online);
  }

  private tell(name: Name, value: unknown): void {
    this.listeners[name].tell(value as never);
  }

  private tellOne(listener: (value: never) => void, value: unknown): void {
    guard(() => listener(value as never));
  }
}

/** What a page hears that goes on with a connection which was closed for good. */
export function closedError(what: string): Error {
  return new Error(
    `Cannot ${what}: close() was called, and createPosthorn() opens a new connection`,
  );
}
