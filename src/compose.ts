import { hostname } from "node:os";
import { createApiKeys, DEV_API_KEY } from "./auth/api-keys.ts";
import { readCertificateParts } from "./compose/certificates.ts";
import { startClients } from "./compose/clients.ts";
import {
  type ConnectionRoom,
  createConnectionRoom,
  entryWithRoom,
  gateWithRoom,
} from "./compose/connection-room.ts";
import { checkDisk } from "./compose/disk-room.ts";
import { createDoor } from "./compose/door.ts";
import { drain } from "./compose/drain.ts";
import { showFigures, showListeners } from "./compose/figures.ts";
import { type FollowedCertificates, followCertificates } from "./compose/follow-certificates.ts";
import { createHandover, type Handover, type Predecessor } from "./compose/handover.ts";
import { checkHears, type Listeners, openListeners } from "./compose/listeners.ts";
import {
  type LiveParts,
  liveLimits,
  makeLiveParts,
  type PartsSurroundings,
} from "./compose/live-parts.ts";
import { createSignIn } from "./compose/logins.ts";
import { openServedStore } from "./compose/store.ts";
import type { Surroundings } from "./compose/surroundings.ts";
import { startTerminals, type Terminals } from "./compose/terminals.ts";
import { startWebhooks } from "./compose/webhooks.ts";
import type { Config } from "./config/config.ts";
import { createDeviceBindings, type DeviceBindings } from "./core/bindings.ts";
import { createHub } from "./core/hub.ts";
import { type Live, livePart, liveRecord } from "./core/live.ts";
import type { ApiKeys } from "./core/ports/api-keys.ts";
import { TAKEOVER_LIMITS } from "./core/takeover-limits.ts";
import { createApp } from "./http/app.ts";
import type { App } from "./http/app-env.ts";
import { createCallerPaces } from "./http/caller-paces.ts";
import { type ConnectionGate, createConnectionGate } from "./http/connection-gate.ts";
import { countRefusals } from "./http/counted-gate.ts";
import { Doorway } from "./http/doorway.ts";
import type { Entry } from "./http/entry.ts";
import { createLifecycle, type Lifecycle } from "./http/lifecycle.ts";
import type { ApiAccess } from "./http/server-api/api-services.ts";
import { createCourier } from "./runtime/courier.ts";
import { readOpenFiles } from "./runtime/open-files.ts";
import { createWebClient } from "./runtime/web-client.ts";
import { createTracedLog } from "./telemetry/traced-log.ts";
import { VERSION } from "./version.ts";
import type { WebhookDispatcher } from "./webhooks/dispatcher.ts";
import { type ClientMeter, createClientMeter } from "./ws/client-meter.ts";
import type { Gateway } from "./ws/gateway.ts";
import { LiveFanout } from "./ws/live-fanout.ts";
import type { NodeIdentity } from "./ws/node-info.ts";

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** For plain http beside TLS. */
  readonly httpPort?: number;
  /** Where devices show certificates. */
  readonly devicesPort?: number;
  readonly secure: boolean;
  /** Those in service, and how to look for newer ones now; absent without TLS. */
  readonly certificates?: FollowedCertificates;
  /**
   * Sends clients away and finishes what is in flight; false when the time was up before all was done, or
   * `forced` aborted.
   */
  drain(forced?: AbortSignal): Promise<boolean>;
  /** Gives everything to the server that follows, in the place of `drain`. */
  readonly handover: Handover;
  /** Answers a request that came in another way than over a listener. */
  readonly enter: Entry;
  /** Accepts nothing any more; resolves when running requests are answered. */
  stopListening(): Promise<void>;
  /**
   * Takes over a configuration, as far as `REACH` says that a running server can; the rest MUST be as it
   * was. All of it or, when it rejects with why it is of no use, nothing. One at a time.
   */
  reload(config: Config): Promise<void>;
}

/**
 * Builds the server from its parts and starts it. Whatever fails half-way, what was opened closes. With a
 * `predecessor` it listens beside that one first, holds who comes, and takes the store over from it.
 */
export async function startServer(
  config: Config,
  around: Surroundings,
  predecessor?: Predecessor,
): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack();
  const { clock, log } = around;
  const tls = await readCertificateParts(config, around);
  tls?.served.admit();
  const making = {
    ...around,
    courier: createCourier(clock),
    web: createWebClient(clock),
    traced: createTracedLog(log),
  };
  const live: Replaceable = { current: await makeLiveParts(config, making) };
  const doorway = new Doorway({ clock, log: making.traced.log, limits: TAKEOVER_LIMITS });
  const delivery = createDelivery(making);
  const clientsMax = livePart(live, ({ config: { limits } }) => limits.clientsMax);
  const room = createConnectionRoom(around, clientsMax, readOpenFiles());
  const listen = (takesOver: boolean) =>
    openListeners(around, {
      ...{ live, tls, takesOver, entry: doorway.enter, fanout: delivery.fanout },
      challengeOf: (token) => tls?.acme?.challengeOf(token),
    });
  await predecessor?.prepared();
  const early = predecessor && (await listen(true));
  await predecessor?.giveStore();
  const awaitsCertificate = () => tls?.acme?.isAwaited() ?? false;
  const given = { ...making, ...delivery, room, awaitsCertificate };
  const parts = await createParts(live, given, opening);
  const login = liveRecord(livePart(live, (it) => it.config.login));
  doorway.open(entryWithRoom(createDoor(making, { ...parts, login }), room));
  const listeners = early ?? (await listen(false));
  delivery.late.listeners = listeners;
  opening.defer(room.watch(listeners));
  const { port, httpPort, devicesPort } = listeners;
  const certificates = tls && followCertificates(tls, listeners, { ...making, opening });
  const opened = opening.move();
  return {
    port,
    ...(httpPort !== undefined && { httpPort }),
    ...(devicesPort !== undefined && { devicesPort }),
    secure: tls !== undefined,
    ...(certificates && { certificates }),
    drain: (forced) => drain(around, { live, parts, listeners, ...(forced && { forced }) }),
    handover: createHandover(around, { ...parts, live, doorway, listeners, opened }),
    enter: doorway.enter,
    stopListening: () => listeners.stop(),
    async reload(wanted) {
      const next = await makeLiveParts(wanted, making, live.current);
      parts.lifecycle.checkServing();
      // From here on nothing waits and nothing fails.
      live.current = next;
      parts.webhooks.replaceEndpoints(next.webhooks);
      parts.terminals.wakeUps.replaceProviders(next.pushProviders);
      listeners.rebound(wanted.limits);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** What everything reads at each use, and only a reload replaces. */
type Replaceable = { current: LiveParts };

interface Parts {
  readonly app: App;
  readonly fanout: LiveFanout;
  readonly gateway: Gateway;
  readonly terminals: Terminals;
  readonly webhooks: WebhookDispatcher;
  readonly gate: ConnectionGate;
  readonly clientHeaders: Live<readonly string[]>;
  readonly lifecycle: Lifecycle;
}

interface Roomy {
  readonly room: ConnectionRoom;
  readonly awaitsCertificate: () => boolean;
}

async function createParts(
  live: Live<LiveParts>,
  around: PartsSurroundings & Delivery & Roomy,
  opening: AsyncDisposableStack,
): Promise<Parts> {
  const { meter, late, fanout } = around;
  const { hub, engine } = await openEngine(live, around, opening);
  const { courier } = around;
  const { dev } = live.current.config;
  const telling = await startWebhooks(live.current, around, { outbox: engine, courier });
  const webhooks = opening.use(telling);
  late.webhooks = webhooks;
  const terminals = await startTerminals(live, around, {
    ...{ engine, opening },
    deviceRemoved: (device) => late.bindings?.deviceRemoved(device),
  });
  const node = nodeOf(around);
  const signIn = createSignIn(live, around);
  const { tickets } = signIn;
  const parts = { engine, hub, fanout, meter, node, terminals, tickets, opening };
  const { gateway, bindings: boundClients, acted } = startClients(live, around, parts);
  late.gateway = gateway;
  const bindings = createDeviceBindings({ store: engine, fanout: boundClients });
  late.bindings = bindings;
  const { registry } = acted;
  const sources = { live, engine, registry, fanout, terminals, webhooks, node };
  opening.defer(showFigures(around, sources));
  showListeners(around, around.late);
  const lifecycle = createLifecycle();
  const gate = gateOf(live, around, { gateway, lifecycle });
  const clientHeaders = livePart(live, ({ config }) => config.callbacks.headers);
  const endpoints = livePart(live, ({ config }) => config.webhooks);
  const app = createApp({
    ...around,
    log: around.traced.log,
    ...terminals,
    ...accessOf(live, dev),
    paces: createCallerPaces({ ...around, limits: liveLimits(live) }),
    ...signIn,
    transports: { gateway, gate, clientHeaders },
    serverApi: { ...acted, node },
    bindings,
    webhooks: { outbox: engine, dispatcher: webhooks, endpoints },
    nativePing: around.host.capabilities.nativePing,
    dev,
    limits: liveLimits(live),
    certificateRequired: live.current.config.devices.requireCertificate,
    metricsAccess: livePart(live, (it) => it.metricsAccess),
    describeApi,
    awaitsCertificate: around.awaitsCertificate,
    async checkReady() {
      lifecycle.checkServing();
      checkHears(around.late.listeners);
      await engine.ping();
      await checkDisk(live.current.config);
    },
  });
  return { app, fanout, gateway, terminals, webhooks, gate, clientHeaders, lifecycle };
}

/** What hears of the store's work, or of what it shows, and is made after it. */
interface Late {
  gateway?: Gateway;
  webhooks?: WebhookDispatcher;
  bindings?: DeviceBindings;
  listeners?: Pick<Listeners, "deaf">;
}

/** What brings publications to clients; there before both the store and the listeners. */
interface Delivery {
  readonly late: Late;
  readonly fanout: LiveFanout;
  readonly meter: ClientMeter;
}

function createDelivery(around: Surroundings): Delivery {
  const late: Late = {};
  const meter = createClientMeter(around);
  return { late, meter, fanout: new LiveFanout((it) => late.gateway?.onBackpressure(it), meter) };
}

async function openEngine(
  live: Live<LiveParts>,
  { late, fanout, ...around }: Surroundings & Delivery,
  opening: AsyncDisposableStack,
) {
  const hub = createHub(fanout);
  const engine = await openServedStore(live, around, {
    opening,
    deliver: hub.deliver,
    outboxGrew: (endpoints) => late.webhooks?.rowsAdded(endpoints),
  });
  return { hub, engine };
}

function gateOf(
  live: Live<LiveParts>,
  around: Surroundings & Roomy,
  parts: Pick<Parts, "gateway" | "lifecycle">,
): ConnectionGate {
  const addressRate = {
    get perSecond() {
      return live.current.config.limits.connectionsPerAddressPerSecond;
    },
    get burst() {
      return live.current.config.limits.connectionsPerAddressBurst;
    },
  };
  const allowedOrigins = livePart(live, (it) => it.allowedOrigins);
  const gate = createConnectionGate({ ...around, ...parts, allowedOrigins, addressRate });
  return countRefusals(gateWithRoom(gate, around.room), around.metrics);
}

function accessOf(live: Live<LiveParts>, dev: boolean): Omit<ApiAccess, "paces"> {
  const apiKeys: ApiKeys = { matches: (key) => live.current.apiKeys.matches(key) };
  return dev ? { apiKeys, localKeys: createApiKeys([DEV_API_KEY]) } : { apiKeys };
}

function nodeOf({ clock, entropy }: Surroundings): NodeIdentity {
  const startedAtMs = clock.monotonicMs();
  return { uid: entropy.uuid(), name: hostname(), version: VERSION, startedAtMs };
}

/** Loaded only when somebody asks: its schemas cost time at every start. */
async function describeApi(): Promise<string> {
  const api = await import("./openapi/describe-api.ts");
  return api.describeApi(VERSION);
}
