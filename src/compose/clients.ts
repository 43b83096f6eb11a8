import { loadTokens } from "../auth/load-tokens.ts";
import { acceptTickets } from "../auth/ticket-tokens.ts";
import { createBackend } from "../callbacks/backend.ts";
import type { Config } from "../config/config.ts";
import type { Hub } from "../core/hub.ts";
import type { Engine } from "../core/ports/engine.ts";
import type { Tickets } from "../core/ports/tickets.ts";
import { Presence } from "../core/presence.ts";
import { createPublisher } from "../core/publisher.ts";
import { createSubscriptions } from "../core/subscriptions.ts";
import type { ApiParts } from "../http/server-api/api-services.ts";
import { createWebClient } from "../runtime/web-client.ts";
import { VERSION } from "../version.ts";
import { createAdmission } from "../ws/admission.ts";
import type { Client } from "../ws/client.ts";
import { ClientRegistry } from "../ws/client-registry.ts";
import { createGateway, type Gateway } from "../ws/gateway.ts";
import { LiveBindings } from "../ws/live-bindings.ts";
import type { LiveFanout } from "../ws/live-fanout.ts";
import type { NodeIdentity } from "../ws/node-info.ts";
import { watchPositions } from "../ws/position-check.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Terminals } from "./terminals.ts";

/** The half of the server that users' clients see. */
export interface Clients {
  readonly gateway: Gateway;
  readonly bindings: LiveBindings;
  /** What the server API acts upon. */
  readonly acted: Omit<ApiParts, "apiKeys" | "localKeys" | "node">;
}

export interface ClientParts {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly fanout: LiveFanout;
  readonly node: NodeIdentity;
  readonly terminals: Pick<Terminals, "commands" | "sightings">;
  readonly tickets: Tickets;
  readonly opening: AsyncDisposableStack;
}

export async function startClients(
  config: Config,
  around: Surroundings,
  { engine, hub, fanout, node, terminals, tickets, opening }: ClientParts,
): Promise<Clients> {
  const { namespaces, callbacks, clients, limits } = config;
  const { recoveryMaxPublications } = limits;
  const web = createWebClient(around.clock);
  const tokens = acceptTickets(tickets, await loadTokens(config.tokens, { ...around, web }));
  const backend = createBackend({ ...callbacks, web });
  const registry = new ClientRegistry<Client>();
  const bindings = new LiveBindings({ ...around, store: engine, registry });
  const acted = {
    namespaces,
    fanout,
    streams: engine,
    registry,
    presence: new Presence(),
    publisher: createPublisher({ ...around, streams: engine, namespaces }),
  };
  const policy = { unrestricted: clients.insecure, userChannels: clients.userChannel };
  const gateway = createGateway({
    ...around,
    ...acted,
    // One by one: a terminal's presence is another thing than a client's.
    commands: terminals.commands,
    sightings: terminals.sightings,
    tokens,
    backend,
    bindings,
    admission: createAdmission({ tokens, backend, bindings, ...policy }),
    subscriptions: createSubscriptions({ streams: engine, hub, recoveryMaxPublications }),
    devices: engine,
    states: engine,
    limits,
    onUserLimit: clients.onUserLimit,
    clientHeaders: callbacks.headers,
    nativePing: around.host.capabilities.nativePing,
    node: node.uid,
    version: VERSION,
  });
  opening.defer(watchPositions({ ...around, ...acted }));
  return { gateway, bindings, acted };
}
