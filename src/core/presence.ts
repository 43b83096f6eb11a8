import type { Channel } from "./channel.ts";
import type { ClientInfo } from "./client-info.ts";

export interface PresenceStats {
  readonly clients: number;
  readonly users: number;
}

/** Who is in which channel, on this node. Bounded by the clients and the channels of each. */
export class Presence {
  readonly #byChannel = new Map<Channel, Map<string, ClientInfo>>();

  enter(channel: Channel, info: ClientInfo): void {
    const clients = this.#byChannel.get(channel) ?? new Map<string, ClientInfo>();
    this.#byChannel.set(channel, clients.set(info.client, info));
  }

  leave(channel: Channel, client: string): void {
    const clients = this.#byChannel.get(channel);
    clients?.delete(client);
    if (clients?.size === 0) this.#byChannel.delete(channel);
  }

  list(channel: Channel): readonly ClientInfo[] {
    return [...(this.#byChannel.get(channel)?.values() ?? [])];
  }

  stats(channel: Channel): PresenceStats {
    const clients = this.list(channel);
    return { clients: clients.length, users: new Set(clients.map(({ user }) => user)).size };
  }
}
