import { acceptTickets } from "../auth/ticket-tokens.ts";
import type { ConfigLimits } from "../config/config.ts";
import type { Hub } from "../core/hub.ts";
import { KeyedPace } from "../core/keyed-pace.ts";
import { LIMITS } from "../core/limits.ts";
import { type Live, livePart } from "../core/live.ts";
import type { LiveNamespaces } from "../core/namespaces.ts";
import type { Engine } from "../core/ports/engine.ts";
import type { Tickets } from "../core/ports/tickets.ts";
import { Presence } from "../core/presence.ts";
import { createPublisher } from "../core/publisher.ts";
import { createSubscriptions } from "../core/subscriptions.ts";
import type { ApiParts } from "../http/server-api/api-services.ts";
import { VERSION } from "../version.ts";
import { type AdmissionOptions, createAdmission } from "../ws/admission.ts";
import type { Client } from "../ws/client.ts";
import type { ClientMeter } from "../ws/client-meter.ts";
import { ClientRegistry } from "../ws/client-registry.ts";
import { createGateway, type Gateway } from "../ws/gateway.ts";
import { LiveBindings } from "../ws/live-bindings.ts";
import type { LiveFanout } from "../ws/live-fanout.ts";
import type { NodeIdentity } from "../ws/node-info.ts";
import { watchPositions } from "../ws/position-check.ts";
import { type LiveParts, liveLimits } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Terminals } from "./terminals.ts";

/** The half of the server that users' clients see. */
export interface Clients {
  readonly gateway: Gateway;
  readonly bindings: LiveBindings;
  /** What the server API acts upon. */
  readonly acted: Omit<ApiParts, "apiKeys" | "localKeys" | "paces" | "node">;
}

export interface ClientParts {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly fanout: LiveFanout;
  readonly meter: ClientMeter;
  readonly node: NodeIdentity;
  readonly terminals: Pick<Terminals, "commands" | "sightings">;
  readonly tickets: Tickets;
  readonly opening: AsyncDisposableStack;
}

export function startClients(
  live: Live<LiveParts>,
  around: Surroundings,
  { engine, hub, fanout, meter, node, terminals, tickets, opening }: ClientParts,
): Clients {
  const namespaces: LiveNamespaces = { get: (name) => live.current.config.namespaces.get(name) };
  const limits = liveLimits(live);
  const tokens = acceptTickets(
    tickets,
    livePart(live, (parts) => parts.tokens),
  );
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
  const gateway = createGateway({
    ...around,
    ...acted,
    meter,
    // One by one: a terminal's presence is another thing than a client's.
    commands: terminals.commands,
    sightings: terminals.sightings,
    tokens,
    bindings,
    admission: createAdmission(admissionOptions(live, { tokens, bindings })),
    subscriptions: createSubscriptions({
      streams: engine,
      hub,
      get recoveryMaxPublications() {
        return limits.recoveryMaxPublications;
      },
    }),
    devices: engine,
    states: engine,
    limits,
    get backend() {
      return live.current.backend;
    },
    get onUserLimit() {
      return live.current.config.clients.onUserLimit;
    },
    get clientHeaders() {
      return live.current.config.callbacks.headers;
    },
    userPace: userPaceOf(around, limits),
    nativePing: around.host.capabilities.nativePing,
    node: node.uid,
    version: VERSION,
  });
  opening.defer(watchPositions({ ...around, ...acted }));
  return { gateway, bindings, acted };
}

function admissionOptions(
  live: Live<LiveParts>,
  parts: Pick<AdmissionOptions, "tokens" | "bindings">,
): AdmissionOptions {
  return {
    ...parts,
    // Who was let in so cannot be told from others any more.
    unrestricted: live.current.config.clients.insecure,
    get backend() {
      return live.current.backend;
    },
    get userChannels() {
      return live.current.config.clients.userChannel;
    },
  };
}

/** Who is not signed in is not one user. */
function userPaceOf({ clock }: Surroundings, limits: ConfigLimits): Pick<KeyedPace, "take"> {
  const rate = {
    get perSecond() {
      return limits.commandsPerUserPerSecond;
    },
    get burst() {
      return limits.commandsPerUserBurst;
    },
  };
  const pace = new KeyedPace({ rate, keysMax: LIMITS.callersRemembered, clock });
  return { take: (user) => user === "" || pace.take(user) };
}
