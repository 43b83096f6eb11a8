import type { Disconnect } from "../protocol/codes.ts";

/** What the registry needs of a client. */
export interface RegisteredClient {
  readonly id: string;
  readonly connection: { isSlow(): boolean };
  end(disconnect: Disconnect): void;
}

/** Every client connected to this node, for what concerns more than one of them. */
export class ClientRegistry<Client extends RegisteredClient = RegisteredClient> {
  readonly #clients = new Map<string, Client>();
  readonly #admitted = new Map<string, Client>();
  readonly #byUser = new Map<string, Set<Client>>();

  get size(): number {
    return this.#clients.size;
  }

  /** Every client, also those that are not let in yet. */
  clients(): IterableIterator<Client> {
    return this.#clients.values();
  }

  /** Every client that was let in. */
  admittedClients(): readonly Client[] {
    return [...this.#admitted.values()];
  }

  /** Signed-in and anonymous users with at least one client. */
  get users(): number {
    return this.#byUser.size;
  }

  add(client: Client): void {
    this.#clients.set(client.id, client);
  }

  /** The client turned out to be one of `user`. */
  admitted(client: Client, user: string): void {
    this.#admitted.set(client.id, client);
    const clients = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, clients.add(client));
  }

  remove(client: Client, user: string | undefined): void {
    this.#clients.delete(client.id);
    this.#admitted.delete(client.id);
    if (user === undefined) return;
    const clients = this.#byUser.get(user);
    clients?.delete(client);
    if (clients?.size === 0) this.#byUser.delete(user);
  }

  /** One that was let in. */
  get(id: string): Client | undefined {
    return this.#admitted.get(id);
  }

  ofUser(user: string): readonly Client[] {
    return [...(this.#byUser.get(user) ?? [])];
  }

  /** Ends every client for which `choose` gives a reason. */
  endWhere(choose: (client: Client) => Disconnect | undefined): void {
    for (const client of [...this.#clients.values()]) {
      const disconnect = choose(client);
      if (disconnect !== undefined) client.end(disconnect);
    }
  }
}
