import type { Config, ConfigLimits } from "../config/config.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { type Live, livePart } from "../core/live.ts";
import type { ListenOptions, SocketBounds } from "../core/ports/host.ts";
import { createDevicesEntry } from "../http/devices-entry.ts";
import type { Entry } from "../http/entry.ts";
import { type ChallengeResponder, createPlainEntry } from "../http/plain-entry.ts";
import { createAddressing } from "../http/proxies/addressed.ts";
import type { TrustedProxies } from "../http/proxies/trusted-proxies.ts";
import { drainingDisconnect } from "../protocol/codes.ts";
import type { Certificates } from "../tls/served-certificates.ts";
import type { LiveFanout } from "../ws/live-fanout.ts";
import type { CertificateParts } from "./certificates.ts";
import { type ListeningParts, RenewableListener } from "./renewable-listener.ts";
import type { Surroundings } from "./surroundings.ts";

/** Everything this process listens with. */
export interface Listeners {
  readonly port: number;
  readonly httpPort?: number;
  readonly devicesPort?: number;
  /** Serves with these from now on; what is open stays, where the runtime lets it. */
  renew(certificates: Certificates): Promise<void>;
  /** How many listeners live for sockets only that began with an earlier certificate. */
  replaced(): number;
  /** Has the bounds of sockets follow the limits of a reloaded configuration. */
  rebound(limits: ConfigLimits): void;
  /** Accepts nobody until it resumes, where sockets can outlive that; those that are open stay. */
  pause(): void;
  resume(): void;
  /** How many have lost their address while they were to accept; they go on trying to have it again. */
  deaf(): number;
  /** Resolves when no listener is being replaced; none is until what it resolves to is called. */
  hold(): Promise<() => void>;
  /** Ends kept-alive connections on which no request runs. */
  closeIdle(): void;
  /** Accepts nothing any more; resolves when running requests are answered. */
  stop(): Promise<void>;
}

export interface ListenersParts {
  readonly live: Live<{ readonly config: Config; readonly proxies: TrustedProxies }>;
  readonly entry: Entry;
  readonly fanout: LiveFanout;
  /** Absent: plain http and ws. */
  readonly tls?: Pick<CertificateParts, "served" | "clientCa"> | undefined;
  /** Another process listens wherever this one is to, and gives the ports to it. */
  readonly takesOver: boolean;
  /** What certificate authorities may read at the port for plain http. */
  readonly challengeOf: ChallengeResponder;
}

type Address = Pick<ListenOptions<Request, Response>, "port" | "tls"> & { readonly fetch: Entry };

/** Listens wherever the configuration says, or, when one of these fails, nowhere. */
export async function openListeners(
  around: Surroundings,
  parts: ListenersParts,
): Promise<Listeners> {
  await using opening = new AsyncDisposableStack();
  const { config } = parts.live.current;
  checkCertificates(config, around);
  const common = {
    hostname: config.server.host,
    bodyMaxBytes: LIMITS.runtimeBodyMaxBytes,
    ...socketBounds(config.limits),
    takesOverPort: parts.takesOver,
  };
  const listening = listeningParts(around, parts);
  const addressing = createAddressing({
    ...around,
    proxies: livePart(parts.live, (it) => it.proxies),
  });
  const open = async (address: Address) => {
    const fetch = addressing(address.fetch);
    const listener = await RenewableListener.open(listening, { ...common, ...address, fetch });
    return opening.adopt(listener, (it) => it.abort());
  };
  const main = await open(mainAddress(config, parts));
  const devices = await openMaybe(devicesAddress(config, around, parts), open);
  const http = await openMaybe(plainAddress(around, parts, main), open);
  const all = [main, devices, http].filter((it) => it !== undefined);
  opening.move();
  return {
    port: main.port,
    ...(http && { httpPort: http.port }),
    ...(devices && { devicesPort: devices.port }),
    async renew(certificates) {
      await Promise.all(all.map((it) => it.renew(certificates)));
    },
    replaced: () => all.reduce((sum, it) => sum + it.replaced, 0),
    rebound(limits) {
      for (const it of all) it.rebound(socketBounds(limits));
    },
    pause() {
      for (const it of all) it.pause();
    },
    resume() {
      for (const it of all) it.resume();
    },
    deaf: () => all.filter(({ isDeaf }) => isDeaf).length,
    async hold() {
      const releases = await Promise.all(all.map((it) => it.hold()));
      return () => {
        for (const release of releases) release();
      };
    },
    closeIdle() {
      for (const it of all) it.closeIdle();
    },
    async stop() {
      await Promise.all(all.map((it) => it.stop()));
    },
  };
}

/** Throws `port_lost` while one of them that should accept cannot. */
export function checkHears(listeners: Pick<Listeners, "deaf"> | undefined): void {
  if (listeners === undefined || listeners.deaf() === 0) return;
  throw new Fault("port_lost", { detail: "an address that was let go of cannot be had again" });
}

/** The host would refuse several only when they are there: one may be of no use now, and come later. */
function checkCertificates({ tls }: Config, { host }: Surroundings): void {
  if (tls === undefined || tls.more.size === 0 || host.capabilities.fullTls) return;
  const detail = `got ${tls.more.size + 1} certificates, this runtime can do with one only: use the executable`;
  throw new Fault("config_invalid", { detail });
}

async function openMaybe(
  address: Address | undefined,
  open: (address: Address) => Promise<RenewableListener>,
): Promise<RenewableListener | undefined> {
  return address && (await open(address));
}

function mainAddress({ server, tls }: Config, { entry, tls: served }: ListenersParts): Address {
  if (tls === undefined || served === undefined) return { port: server.port, fetch: entry };
  const { minVersion } = tls;
  const certificates = served.served.current();
  return { port: server.port, fetch: entry, tls: { certificates, minVersion } };
}

function devicesAddress(
  { server, tls }: Config,
  around: Surroundings,
  { entry, tls: served }: ListenersParts,
): Address | undefined {
  const { devicesPort: port } = server;
  if (port === undefined || tls === undefined || served?.clientCa === undefined) return undefined;
  const { minVersion } = tls;
  const { clientCa } = served;
  const certificates = served.served.current();
  const fetch = createDevicesEntry({ ...around, entry });
  return { port, fetch, tls: { certificates, minVersion, clientCa } };
}

function plainAddress(
  around: Surroundings,
  { live, entry, challengeOf, tls }: ListenersParts,
  main: RenewableListener,
): Address | undefined {
  const { httpPort: port, httpServes: serves } = live.current.config.server;
  if (port === undefined) return undefined;
  const publicUrl = () => live.current.config.server.publicUrl;
  const isCertified = (host: string) => tls?.served.covers(host) ?? false;
  const options = { ...around, entry, serves, challengeOf, publicUrl, isCertified };
  return { port, fetch: createPlainEntry({ ...options, securePort: () => main.port }) };
}

function listeningParts(
  { host, clock, entropy, log }: Surroundings,
  { live, fanout }: ListenersParts,
): ListeningParts {
  const farewell = () => {
    const { drainSpreadMs } = live.current.config.limits;
    return drainingDisconnect(Math.round(entropy.fraction() * drainSpreadMs));
  };
  return { host, fanout, clock, log, farewell };
}

/** What the runtime bounds for all sockets; ours are within. */
function socketBounds({
  frameMaxBytes,
  queueMaxBytes,
  recoveryMaxBytes,
}: ConfigLimits): SocketBounds {
  return {
    // Clients have the bound of theirs behind it.
    frameMaxBytes: Math.max(frameMaxBytes, LIMITS.deviceFrameMaxBytes),
    // Above our own bound, which evicts with a code: this one only ends the socket.
    backpressureMaxBytes: 2 * queueMaxBytes + recoveryMaxBytes,
  };
}
