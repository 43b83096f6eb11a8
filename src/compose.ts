import { hostname } from "node:os";
import { createApiKeys, DEV_API_KEY } from "./auth/api-keys.ts";
import { startClients } from "./compose/clients.ts";
import { createSignIn } from "./compose/logins.ts";
import { openServedStore } from "./compose/store.ts";
import type { Surroundings } from "./compose/surroundings.ts";
import { startTerminals, type Terminals } from "./compose/terminals.ts";
import { startWebhooks } from "./compose/webhooks.ts";
import type { Config } from "./config/config.ts";
import { createDeviceBindings, type DeviceBindings } from "./core/bindings.ts";
import { Fault } from "./core/faults.ts";
import { createHub } from "./core/hub.ts";
import { LIMITS } from "./core/limits.ts";
import type { Listener } from "./core/ports/host.ts";
import { createWebhookRoutes, type WebhookRoutes } from "./core/webhook-routes.ts";
import { createApp } from "./http/app.ts";
import type { App } from "./http/app-env.ts";
import { type ConnectionGate, createConnectionGate } from "./http/connection-gate.ts";
import { createEntry } from "./http/entry.ts";
import { createLifecycle, type Lifecycle } from "./http/lifecycle.ts";
import type { ApiAccess } from "./http/server-api/api-services.ts";
import { createCourier } from "./runtime/courier.ts";
import { VERSION } from "./version.ts";
import type { WebhookDispatcher } from "./webhooks/dispatcher.ts";
import type { Gateway } from "./ws/gateway.ts";
import { LiveFanout } from "./ws/live-fanout.ts";
import type { NodeIdentity } from "./ws/node-info.ts";

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  readonly secure: boolean;
  /** Sends clients away and finishes what is in flight; false when the time was up before all was done. */
  drain(): Promise<boolean>;
}

/** Builds the server from its parts and starts it. Whatever fails half-way, what was opened closes. */
export async function startServer(config: Config, around: Surroundings): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack();
  const { clock, log, host } = around;
  const tls = await loadTlsFiles(config, around);
  const parts = await createParts(config, around, opening);
  const entry = createEntry({ ...parts, clock, log, login: config.login });
  const listener = await host.listen({
    hostname: config.server.host,
    port: config.server.port,
    // Clients have the bound of theirs behind it.
    frameMaxBytes: Math.max(config.limits.frameMaxBytes, LIMITS.deviceFrameMaxBytes),
    bodyMaxBytes: LIMITS.runtimeBodyMaxBytes,
    // Above our own bound, which evicts with a code: this one only ends the socket.
    backpressureMaxBytes: 2 * config.limits.queueMaxBytes + config.limits.recoveryMaxBytes,
    fetch: entry,
    ...(tls && { tls }),
  });
  parts.fanout.attach(listener);
  const opened = opening.move();
  return {
    port: listener.port,
    secure: tls !== undefined,
    drain: () => drain({ config, around, parts, listener }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

interface Parts {
  readonly app: App;
  readonly fanout: LiveFanout;
  readonly gateway: Gateway;
  readonly terminals: Terminals;
  readonly gate: ConnectionGate;
  readonly clientHeaders: readonly string[];
  readonly lifecycle: Lifecycle;
}

async function createParts(
  config: Config,
  around: Surroundings,
  opening: AsyncDisposableStack,
): Promise<Parts> {
  const { late, fanout, hub, routes, engine } = await openEngine(config, around, opening);
  const courier = createCourier(around.clock);
  const webhooks = opening.use(await startWebhooks(config, around, { outbox: engine, courier }));
  late.webhooks = webhooks;
  const terminals = await startTerminals(config, around, {
    ...{ engine, courier, routes, opening },
    deviceRemoved: (device) => late.bindings?.deviceRemoved(device),
  });
  const node = nodeOf(around);
  const signIn = createSignIn(config, around);
  const parts = { engine, hub, fanout, node, terminals, tickets: signIn.tickets, opening };
  const { gateway, bindings: boundClients, acted } = await startClients(config, around, parts);
  late.gateway = gateway;
  const bindings = createDeviceBindings({ store: engine, fanout: boundClients });
  late.bindings = bindings;
  const lifecycle = createLifecycle();
  const gate = gateOf(config, around, { gateway, lifecycle });
  const clientHeaders = config.callbacks.headers;
  const app = createApp({
    ...around,
    ...terminals,
    ...accessOf(config),
    ...signIn,
    transports: { gateway, gate, clientHeaders },
    serverApi: { ...acted, node },
    bindings,
    webhooks: { outbox: engine, dispatcher: webhooks, endpoints: config.webhooks },
    nativePing: around.host.capabilities.nativePing,
    dev: config.dev,
    limits: config.limits,
    describeApi,
    async checkReady() {
      lifecycle.checkServing();
      await engine.ping();
    },
  });
  return { app, fanout, gateway, terminals, gate, clientHeaders, lifecycle };
}

/** What hears of the store's work, or of what it shows, and is made after it. */
interface Late {
  gateway?: Gateway;
  webhooks?: WebhookDispatcher;
  bindings?: DeviceBindings;
}

async function openEngine(config: Config, around: Surroundings, opening: AsyncDisposableStack) {
  const late: Late = {};
  const fanout = new LiveFanout((result) => late.gateway?.onBackpressure(result));
  const hub = createHub(fanout);
  const routes = routesOf(config);
  const engine = await openServedStore(config, around, {
    opening,
    routes,
    deliver: hub.deliver,
    outboxGrew: (endpoints) => late.webhooks?.rowsAdded(endpoints),
  });
  return { late, fanout, hub, routes, engine };
}

function routesOf({ webhooks }: Config): WebhookRoutes {
  return createWebhookRoutes(webhooks.map(({ name, events }) => ({ endpoint: name, events })));
}

function gateOf(
  { clients, limits }: Config,
  around: Surroundings,
  parts: Pick<Parts, "gateway" | "lifecycle">,
): ConnectionGate {
  const addressRate = {
    perSecond: limits.connectionsPerAddressPerSecond,
    burst: limits.connectionsPerAddressBurst,
  };
  return createConnectionGate({ ...around, ...clients, ...parts, addressRate });
}

function accessOf({ api, dev }: Config): ApiAccess {
  const apiKeys = createApiKeys(api.keys);
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

/** Loaded only where TLS is used: the X.509 reader costs tens of milliseconds at every start. */
async function loadTlsFiles(config: Config, { clock, log }: Surroundings) {
  if (config.tls === undefined) return undefined;
  const { loadTls } = await import("./tls/load.ts");
  const { publicUrl } = config.server;
  const publicHosts = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  const now = new Date(clock.nowMs());
  const { files, findings, expiresAtMs } = await loadTls({ ...config.tls, publicHosts, now });
  for (const finding of findings) {
    if (finding.severity === "error") log.error("tls.finding", { ...finding });
    else log.warn("tls.finding", { ...finding });
  }
  const fatal = findings.filter(({ severity }) => severity === "error");
  if (fatal.length > 0) {
    const detail = fatal.map(({ found, remedy }) => `${found}; ${remedy}`).join(". ");
    throw new Fault("certificate_unusable", { detail });
  }
  log.info("tls.loaded", {
    cert: config.tls.certFile,
    expires: new Date(expiresAtMs).toISOString(),
  });
  return files;
}

interface Draining {
  readonly config: Config;
  readonly around: Surroundings;
  readonly parts: Parts;
  readonly listener: Listener;
}

async function drain({ config, around, parts, listener }: Draining): Promise<boolean> {
  const { drainSpreadMs, drainTimeoutMs } = config.limits;
  parts.lifecycle.startDraining();
  around.log.info("server.draining", { spreadMs: drainSpreadMs, timeoutMs: drainTimeoutMs });
  const finished = () =>
    Promise.all([
      parts.terminals.drain(),
      parts.gateway.drain(drainSpreadMs),
      parts.lifecycle.idle(),
    ]);
  // Where sockets and bodies end with the listener, it may stop only after them.
  const done = around.host.capabilities.stopKeepsSockets
    ? Promise.all([finished(), listener.stop()])
    : finished().then(() => listener.stop());
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const cancel = around.clock.after(drainTimeoutMs, () => resolve(false));
  const isFinished = await Promise.race([done.then(() => true), late]);
  cancel();
  return isFinished;
}
