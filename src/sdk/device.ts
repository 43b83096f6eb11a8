import type { SubscribedContext } from "centrifuge";
import { Commands } from "./commands.ts";
import { DeviceChannel } from "./device-channel.ts";
import { isNewer, readState } from "./known-state.ts";
import { guard, Listeners } from "./listeners.ts";
import type {
  CommandOptions,
  Device,
  DeviceEvent,
  DeviceState,
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
  private wasSubscribed = false;

  constructor(session: Session, id: string) {
    this.id = id;
    this.session = session;
    const channel = new DeviceChannel(session, id);
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
    channel.problems.add((problem) => this.tell("problem", problem));
  }

  on(name: Name, listener: (value: never) => void): Unsubscribe {
    const removeListener = this.listeners[name].add(listener);
    const release = this.channel.hold();
    if (name === "state" && this.state !== undefined) this.tellOne(listener, this.state);
    if (name === "online" && this.online !== undefined) this.tellOne(listener, this.online);
    else if (name === "online" && this.wasSubscribed) this.askWhetherOnline();
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
    // The ends of commands may be among what was missed.
    if (this.wasSubscribed && !recovered) this.commands.askAgain();
    this.wasSubscribed = true;
    const known = readState(state);
    if (known !== undefined) this.know(known);
    if (this.listeners.online.size > 0) this.askWhetherOnline();
    // What was missed is replayed in this very turn, and it is older than the state beside it.
    this.isReplaying = known !== undefined;
    setTimeout(() => {
      this.isReplaying = false;
    }, 0);
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
      const change = readChange(event);
      this.commands.changed(change, event.data);
      this.tell("command", change);
    } else {
      this.tell("event", event);
    }
  }

  private askWhetherOnline(): void {
    this.session.client.rpc("device.get", { device: this.id }).then(
      ({ data }) => {
        const { online } = (data ?? {}) as { readonly online?: unknown };
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
