import type { BindingChange, BindingFanout } from "../core/bindings.ts";
import { deviceChannel } from "../core/channel.ts";
import { detach } from "../core/detach.ts";
import type { DeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import type { CommandGrants, Identity } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import type { Bindings } from "../core/ports/bindings.ts";
import type { Log } from "../core/ports/log.ts";
import { DISCONNECT, UNSUBSCRIBE } from "../protocol/codes.ts";
import { afterNews, BindingChanges, type BindingNews, commandsIn } from "./binding-changes.ts";
import type { Client } from "./client.ts";
import type { ClientRegistry } from "./client-registry.ts";
import { subscribeByServer } from "./server-side.ts";

export interface LiveBindingsOptions {
  readonly store: Pick<Bindings, "bindingsOfUser">;
  readonly registry: ClientRegistry<Client>;
  readonly log: Log;
}

/** What a user owned when it was read. */
export interface BindingsRead {
  readonly bindings: CommandGrants;
  /** Tells what came later. */
  readonly readAt: number;
}

/** What a user owns by now. */
export interface BindingsNow {
  readonly identity: Identity;
  /** Devices that are new since it was read. */
  readonly added: readonly DeviceId[];
}

/** What the clients of this node may do because of bindings: when they come, and while they are here. */
export class LiveBindings implements BindingFanout {
  readonly #store: Pick<Bindings, "bindingsOfUser">;
  readonly #registry: ClientRegistry<Client>;
  readonly #log: Log;
  readonly #changes = new BindingChanges(LIMITS.bindingChangesRemembered);

  constructor({ store, registry, log }: LiveBindingsOptions) {
    this.#store = store;
    this.#registry = registry;
    this.#log = log;
  }

  /** What a user who comes owns. {@link catchUp} completes it in the tick in which the client is registered. */
  async read(user: string): Promise<BindingsRead> {
    // Before the read, so that a change during it counts as one that came later.
    const readAt = this.#changes.count;
    const found = user === "" ? [] : await this.#store.bindingsOfUser(user);
    return { bindings: new Map(found.map((it) => [it.device, it.commands])), readAt };
  }

  /** The identity with what changed since its bindings were read; undefined when nobody can tell. */
  catchUp(identity: Identity, readAt: number): BindingsNow | undefined {
    const missed = this.#changes.since(readAt, identity.user);
    if (missed === undefined) return undefined;
    const bindings = missed.reduce(afterNews, identity.bindings);
    const added = [...bindings.keys()].filter((device) => !identity.bindings.has(device));
    return { identity: { ...identity, bindings }, added };
  }

  bindingChanged(change: BindingChange): void {
    this.#changes.note(change);
    // Nobody in particular owns nothing.
    if (change.user === "") return;
    for (const client of this.#registry.ofUser(change.user)) this.#apply(client, change);
  }

  deviceRemoved(device: DeviceId): void {
    const news = { device };
    this.#changes.note(news);
    for (const client of this.#registry.admittedClients()) {
      if (client.identity.bindings.has(device)) this.#apply(client, news);
    }
  }

  /** Subscribes a client to the channel of a device that is its user's, and tells it. */
  subscribe(client: Client, device: DeviceId): void {
    detach(this.#log, "client.binding", async () => {
      try {
        const { withStates: withState } = client;
        const channel = deviceChannel(device);
        await subscribeByServer(client, { channel, needsBinding: true, withState });
      } catch (error) {
        this.#notSubscribed(client, error);
      }
    });
  }

  #apply(client: Client, news: BindingNews): void {
    const { device } = news;
    const wasBound = client.identity.bindings.has(device);
    client.rebound(afterNews(client.identity.bindings, news));
    const { subscriptions } = client;
    const channel = deviceChannel(device);
    if (commandsIn(news) === undefined) {
      if (subscriptions.get(channel)?.needsBinding) subscriptions.end(channel, UNSUBSCRIBE.server);
    } else if (!wasBound) {
      this.subscribe(client, device);
    }
  }

  #notSubscribed(client: Client, error: unknown): void {
    if (error instanceof Fault && error.code === "channels_exceeded") {
      this.#log.warn("client.channels_full", { client: client.id, leftOut: 1 });
      return;
    }
    // It gets the channel when it comes back; the failure itself is told by the log.
    client.end(DISCONNECT.insufficientState);
    throw error;
  }
}
