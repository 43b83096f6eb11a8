import { hostname } from "node:os";
import { createApiKeys, DEV_API_KEY } from "./auth/api-keys.ts";
import { createDevDevices } from "./auth/dev-devices.ts";
import { createDeviceSecrets } from "./auth/device-secrets.ts";
import { loadTokens } from "./auth/load-tokens.ts";
import { createBackend } from "./callbacks/backend.ts";
import type { Config } from "./config/config.ts";
import { DEVICE_NAMESPACE } from "./core/channel.ts";
import { createDeviceEvents } from "./core/device-events.ts";
import { createDevices } from "./core/devices.ts";
import { Fault } from "./core/faults.ts";
import { createHub } from "./core/hub.ts";
import { LIMITS } from "./core/limits.ts";
import type { Clock } from "./core/ports/clock.ts";
import type { Deliver, Engine } from "./core/ports/engine.ts";
import type { Entropy } from "./core/ports/entropy.ts";
import type { Host, Listener } from "./core/ports/host.ts";
import type { Log } from "./core/ports/log.ts";
import { Presence } from "./core/presence.ts";
import type { Retention } from "./core/publication.ts";
import { createPublisher } from "./core/publisher.ts";
import { createSubscriptions } from "./core/subscriptions.ts";
import { createSqliteEngine } from "./engine/sqlite/engine.ts";
import { lockForServing } from "./engine/sqlite/serving-lock.ts";
import { createApp } from "./http/app.ts";
import type { App } from "./http/app-env.ts";
import { type ConnectionGate, createConnectionGate } from "./http/connection-gate.ts";
import { createEntry } from "./http/entry.ts";
import { createLifecycle, type Lifecycle } from "./http/lifecycle.ts";
import type { ApiAccess } from "./http/server-api/api-services.ts";
import { createWebClient } from "./runtime/web-client.ts";
import { VERSION } from "./version.ts";
import { createAdmission } from "./ws/admission.ts";
import type { Client } from "./ws/client.ts";
import { ClientRegistry } from "./ws/client-registry.ts";
import { createGateway, type Gateway } from "./ws/gateway.ts";
import { LiveFanout } from "./ws/live-fanout.ts";
import type { NodeIdentity } from "./ws/node-info.ts";
import { watchPositions } from "./ws/position-check.ts";

/** What the process around the server gives it. Tests put their own parts in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly host: Host<Request, Response>;
  readonly openEngine?: (deliver: Deliver) => Promise<Engine>;
}

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
    frameMaxBytes: config.limits.frameMaxBytes,
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
  readonly gate: ConnectionGate;
  readonly clientHeaders: readonly string[];
  readonly lifecycle: Lifecycle;
}

async function createParts(
  config: Config,
  around: Surroundings,
  opening: AsyncDisposableStack,
): Promise<Parts> {
  let gateway: Gateway | undefined;
  const fanout = new LiveFanout((result) => gateway?.onBackpressure(result));
  const hub = createHub(fanout);
  lockStore(config, opening);
  const engine = opening.use(await openEngine(config, around, hub.deliver));
  const { recoveryMaxPublications } = config.limits;
  const { namespaces, callbacks } = config;
  const web = createWebClient(around.clock);
  const tokens = await loadTokens(config.tokens, { ...around, web });
  const backend = createBackend({ ...callbacks, web });
  const node = nodeOf(around);
  const shared = {
    namespaces,
    fanout,
    streams: engine,
    registry: new ClientRegistry<Client>(),
    presence: new Presence(),
    publisher: createPublisher({ ...around, streams: engine, namespaces }),
  };
  gateway = createGateway({
    ...around,
    ...shared,
    tokens,
    backend,
    admission: createAdmission({ tokens, backend, ...policyOf(config) }),
    subscriptions: createSubscriptions({ streams: engine, hub, recoveryMaxPublications }),
    limits: config.limits,
    onUserLimit: config.clients.onUserLimit,
    clientHeaders: callbacks.headers,
    nativePing: around.host.capabilities.nativePing,
    node: node.uid,
    version: VERSION,
  });
  opening.defer(watchPositions({ ...around, ...shared }));
  const lifecycle = createLifecycle();
  const gate = gateOf(config, around, { gateway, lifecycle });
  const app = createApp({
    ...around,
    transports: { gateway, gate, clientHeaders: callbacks.headers },
    devices: devicesOf(config, engine, around),
    deviceEvents: createDeviceEvents({
      ...around,
      streams: engine,
      retention: deviceRetention(config),
    }),
    serverApi: { ...shared, ...accessOf(config), node },
    limits: config.limits,
    async checkReady() {
      lifecycle.checkServing();
      await engine.ping();
    },
  });
  return { app, fanout, gateway, gate, clientHeaders: callbacks.headers, lifecycle };
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

function policyOf({ clients }: Config) {
  return { unrestricted: clients.insecure, userChannels: clients.userChannel };
}

function lockStore({ store }: Config, opening: AsyncDisposableStack): void {
  if (store.location !== "memory") opening.use(lockForServing(store.location.file));
}

function openEngine(config: Config, around: Surroundings, deliver: Deliver): Promise<Engine> {
  if (around.openEngine !== undefined) return around.openEngine(deliver);
  return createSqliteEngine({ ...around, ...config.store, deliver });
}

function devicesOf(config: Config, records: Engine, around: Surroundings) {
  if (config.dev) return createDevDevices();
  return createDevices({ ...around, records, secrets: createDeviceSecrets(around.entropy) });
}

function accessOf({ api, dev }: Config): ApiAccess {
  const apiKeys = createApiKeys(api.keys);
  return dev ? { apiKeys, localKeys: createApiKeys([DEV_API_KEY]) } : { apiKeys };
}

function nodeOf({ clock, entropy }: Surroundings): NodeIdentity {
  const startedAtMs = clock.monotonicMs();
  return { uid: entropy.uuid(), name: hostname(), version: VERSION, startedAtMs };
}

/** The configuration always has the built-in namespace, with at least one publication kept. */
function deviceRetention({ namespaces }: Config): Retention {
  const retention = namespaces.get(DEVICE_NAMESPACE)?.retention;
  if (retention !== undefined) return retention;
  throw new Error(`Cannot start: channels.${DEVICE_NAMESPACE} keeps no history`);
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
  const finished = () => Promise.all([parts.gateway.drain(drainSpreadMs), parts.lifecycle.idle()]);
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
