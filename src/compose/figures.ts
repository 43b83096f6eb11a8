import type { Config } from "../config/config.ts";
import type { Live } from "../core/live.ts";
import type { Cancel } from "../core/ports/clock.ts";
import type { EndpointFigures, Engine } from "../core/ports/engine.ts";
import type { Tell } from "../core/ports/metrics.ts";
import { tellDisk } from "../telemetry/disk-figures.ts";
import { watchEventLoop } from "../telemetry/event-loop.ts";
import { tellOpenFiles, tellUsage } from "../telemetry/process-figures.ts";
import type { ServedCertificates } from "../tls/served-certificates.ts";
import type { WebhookDispatcher } from "../webhooks/dispatcher.ts";
import type { Client } from "../ws/client.ts";
import type { ClientRegistry } from "../ws/client-registry.ts";
import type { LiveFanout } from "../ws/live-fanout.ts";
import type { NodeIdentity } from "../ws/node-info.ts";
import type { Listeners } from "./listeners.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Terminals } from "./terminals.ts";

/** What figures are read of when somebody asks for them. */
export interface FigureSources {
  readonly live: Live<{ readonly config: Config }>;
  readonly engine: Pick<Engine, "figures">;
  readonly registry: ClientRegistry<Client>;
  readonly fanout: Pick<LiveFanout, "size" | "subscriptions">;
  readonly terminals: Pick<Terminals, "presence" | "connections">;
  readonly webhooks: Pick<WebhookDispatcher, "whyDisabled">;
  readonly node: NodeIdentity;
}

/** Shows what is read rather than counted. Undo it when the server ends. */
export function showFigures(around: Surroundings, sources: FigureSources): Cancel {
  const { clock, metrics, usage } = around;
  const { store } = sources.live.current.config;
  metrics.onRead((tell) => tellClients(tell, sources));
  metrics.onRead((tell) => tellStore(tell, { ...sources, nowMs: clock.nowMs() }));
  metrics.onRead((tell) => tellNode(tell, sources.node, clock.monotonicMs()));
  metrics.onRead((tell) => tellUsage(tell, usage()));
  metrics.onRead(tellOpenFiles);
  const { location } = store;
  if (location !== "memory") metrics.onRead((tell) => tellDisk(tell, location.file));
  return watchEventLoop(clock, metrics);
}

/** Shows whether everybody can connect; the listeners may come later. */
export function showListeners(
  { metrics }: Pick<Surroundings, "metrics">,
  late: { readonly listeners?: Pick<Listeners, "deaf"> },
): void {
  metrics.onRead((tell) => tell("posthorn_deaf_listeners", {}, late.listeners?.deaf() ?? 0));
}

/** Shows how certificates stand, and what those before them have left. */
export function showCertificates(
  { metrics }: Surroundings,
  served: Pick<ServedCertificates, "states">,
  listeners: Pick<Listeners, "replaced">,
): void {
  metrics.onRead((tell) => {
    tell("posthorn_replaced_listeners", {}, listeners.replaced());
    for (const { name: certificate, expiresAtMs, reloads, reloadsFailed } of served.states()) {
      tell("posthorn_certificate_expiry_timestamp_seconds", { certificate }, expiresAtMs / 1000);
      const reloaded = "posthorn_certificate_reloads_total";
      tell(reloaded, { certificate, outcome: "done" }, reloads);
      tell(reloaded, { certificate, outcome: "failed" }, reloadsFailed);
    }
  });
}

function tellNode(tell: Tell, { version, startedAtMs }: NodeIdentity, nowMs: number): void {
  tell("posthorn_build_info", { version }, 1);
  tell("posthorn_uptime_seconds", {}, (nowMs - startedAtMs) / 1000);
}

function tellClients(tell: Tell, { registry, fanout, terminals }: FigureSources): void {
  let bytes = 0;
  let maxBytes = 0;
  const counts = new Map<string, Map<string, number>>();
  for (const { connection, platform } of registry.clients()) {
    const waiting = connection.queuedBytes();
    bytes += waiting;
    if (waiting > maxBytes) maxBytes = waiting;
    const ofTransport = counts.get(connection.transport) ?? new Map<string, number>();
    counts.set(
      connection.transport,
      ofTransport.set(platform, (ofTransport.get(platform) ?? 0) + 1),
    );
  }
  for (const [transport, ofTransport] of counts) {
    for (const [platform, count] of ofTransport) {
      tell("posthorn_clients", { transport, platform }, count);
    }
  }
  tell("posthorn_users", {}, registry.users);
  tell("posthorn_client_queue_bytes", {}, bytes);
  tell("posthorn_client_queue_max_bytes", {}, maxBytes);
  tell("posthorn_channels", {}, fanout.size);
  tell("posthorn_subscriptions", {}, fanout.subscriptions());
  tell("posthorn_devices_online", {}, terminals.presence.count);
  tell("posthorn_device_connections", {}, terminals.connections.size);
}

interface StoreSources extends Pick<FigureSources, "live" | "engine" | "webhooks"> {
  readonly nowMs: number;
}

async function tellStore(tell: Tell, sources: StoreSources): Promise<void> {
  const { engine, live, webhooks, nowMs } = sources;
  const { devices, commands, oldestQueuedAtMs, endpoints } = await engine.figures();
  tell("posthorn_devices", {}, devices);
  for (const status of ["queued", "leased", "acked"] as const) {
    tell("posthorn_commands", { status }, commands[status] ?? 0);
  }
  tell("posthorn_command_oldest_seconds", {}, ageSeconds(oldestQueuedAtMs, nowMs));
  const known = new Map(endpoints.map((it) => [it.endpoint, it]));
  // Of those alone that are configured: what others have left is forgotten in time.
  for (const { name } of live.current.config.webhooks) {
    tellEndpoint(tell, { endpoint: name, ...NOTHING, ...known.get(name) }, nowMs);
    const isDisabled = webhooks.whyDisabled(name) !== undefined;
    tell("posthorn_webhook_disabled", { endpoint: name }, Number(isDisabled));
  }
}

const NOTHING = { waiting: 0, waitingBytes: 0, dead: 0 };

function tellEndpoint(tell: Tell, figures: EndpointFigures, nowMs: number): void {
  const { endpoint, waiting, waitingBytes, dead, oldestAtMs } = figures;
  tell("posthorn_webhook_waiting", { endpoint }, waiting);
  tell("posthorn_webhook_waiting_bytes", { endpoint }, waitingBytes);
  tell("posthorn_webhook_dead", { endpoint }, dead);
  tell("posthorn_webhook_lag_seconds", { endpoint }, ageSeconds(oldestAtMs, nowMs));
}

/** 0 of what is not there; the wall clock may also have been set back. */
function ageSeconds(atMs: number | undefined, nowMs: number): number {
  return atMs === undefined ? 0 : Math.max(0, nowMs - atMs) / 1000;
}
