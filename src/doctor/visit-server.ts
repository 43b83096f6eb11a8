import type { Clock } from "../core/ports/clock.ts";
import { type Finding, finding } from "./finding.ts";
import { hold } from "./hold.ts";
import { judgeBackend, judgeDevice } from "./judge-device.ts";
import { isPosthorn, judgeFront, judgePlain } from "./judge-front.ts";
import { judgeNetwork } from "./judge-network.ts";
import { judgeHold, judgeSockets } from "./judge-sockets.ts";
import { judgeTls } from "./judge-tls.ts";
import { VISIT_LIMITS } from "./limits.ts";
import { type Device, observeBackend, observeDevice } from "./observe-device.ts";
import { askServer, observeFront, type Route, UNKNOWN_PATH } from "./observe-front.ts";
import { observeNetwork } from "./observe-network.ts";
import { type Credentials, type OpenSocket, observeSockets } from "./observe-sockets.ts";
import { observeTls, speaksTls } from "./observe-tls.ts";
import type { Target } from "./target.ts";
import { type WireOptions, WireTrouble, within } from "./wire.ts";

/** What a visit looks at, and as whom. */
export interface ServerVisit {
  readonly target: Target;
  readonly clock: Clock;
  /** PEM of authorities to trust beside the public ones. */
  readonly ca?: string;
  /** How long a socket is held; 0 holds none. */
  readonly idleMs: number;
  readonly credentials: Credentials;
  readonly device?: Device;
  readonly apiKey?: string;
  /** Where plain HTTP would be beside TLS. */
  readonly plainPort: number;
  /** Ends the visit early, with what was found by then. */
  readonly stop?: AbortSignal;
}

/** Hands over what was found so far. */
type Tell = (...findings: Finding[]) => void;

/** Looks at a server from outside, as phones, devices and the backend do. Never rejects for what it finds. */
export async function visitServer(visit: ServerVisit): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const pollMs = 1000 * (visit.device?.pollSeconds ?? 0);
  const boundMs = VISIT_LIMITS.visitMs + Math.max(visit.idleMs, pollMs);
  const startedMs = visit.clock.monotonicMs();
  const around = lookAround(visit, (...more) => void found.push(...more));
  try {
    await within(visit.clock, boundMs, Promise.race([around, stopped(visit.stop)]));
  } catch (error) {
    if (!(error instanceof WireTrouble)) throw error;
    const seconds = Math.round((visit.clock.monotonicMs() - startedMs) / 1000);
    found.push(finding("time_up", { seconds }));
  }
  return found;
}

function stopped(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new WireTrouble("ended"));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

async function lookAround(visit: ServerVisit, tell: Tell): Promise<void> {
  const { target, clock } = visit;
  const network = await observeNetwork(target, clock);
  tell(...judgeNetwork(network));
  const open = network.addresses.find(({ trouble }) => trouble === undefined);
  if (open === undefined) return;
  const wire = wireTo(open.address, visit);
  await Promise.all([
    lookAtTls(wire, visit, tell),
    lookAtPlain(open.address, visit, tell),
    lookAtService({ target, wire, clock }, visit, tell),
  ]);
}

function wireTo(address: string, { target, ca }: ServerVisit): WireOptions {
  const { host, port, isSecure } = target;
  const tls = { host, ...(ca !== undefined && { ca }) };
  return { address, port, ...(isSecure && { tls }) };
}

async function lookAtTls(wire: WireOptions, visit: ServerVisit, tell: Tell): Promise<void> {
  const { target, clock } = visit;
  // What is called without TLS is looked at together with what answers there.
  if (wire.tls === undefined) return;
  const seen = await observeTls({ ...wire, tls: wire.tls }, clock);
  tell(...judgeTls(seen, { host: target.host, now: new Date(clock.nowMs()) }));
}

async function lookAtPlain(address: string, visit: ServerVisit, tell: Tell): Promise<void> {
  const { target, clock, plainPort } = visit;
  if (!target.isSecure || target.port === plainPort) return;
  const wire = { address, port: plainPort };
  tell(judgePlain(await askServer({ target, wire, clock }, { path: UNKNOWN_PATH })));
}

async function lookAtService(route: Route, visit: ServerVisit, tell: Tell): Promise<void> {
  const front = await observeFront(route);
  if (!route.target.isSecure) {
    const { url, host } = route.target;
    const isOurs = "answer" in front.unknown && isPosthorn(front.unknown.answer);
    if (!isOurs && (await speaksTls(route.wire, host, route.clock))) {
      tell(finding("tls_forgotten", { url, secure: url.replace(/^http:/, "https:") }));
      return;
    }
    tell(finding("tls_absent", { url }));
  }
  tell(...judgeFront(front));
  // With nobody there to speak HTTP the rest would say the same again.
  if ("trouble" in front.unknown) return;
  await Promise.all([
    lookAtSockets(route, visit, tell),
    lookAsDevice(route, visit, tell),
    lookAsBackend(route, visit, tell),
  ]);
}

async function lookAtSockets(route: Route, visit: ServerVisit, tell: Tell): Promise<void> {
  const { credentials, idleMs, target, clock } = visit;
  using scope = new DisposableStack();
  const { seen, login, protocol } = await observeSockets({ ...route, scope, credentials });
  tell(...judgeSockets(seen, target, credentials));
  const { socket } = heldOf(login, protocol, credentials);
  if (socket === undefined || idleMs === 0) tell(finding("idle_skipped"));
  else tell(judgeHold(await hold(socket, idleMs, clock)));
}

/** Whoever is signed in is what most phones are. */
function heldOf(login: OpenSocket, protocol: OpenSocket, { token }: Credentials): OpenSocket {
  const [first, second] = token === undefined ? [login, protocol] : [protocol, login];
  return first.socket === undefined ? second : first;
}

async function lookAsDevice(route: Route, { device }: ServerVisit, tell: Tell): Promise<void> {
  if (device === undefined) return;
  tell(...judgeDevice(await observeDevice(route, device), device.pollSeconds));
}

async function lookAsBackend(route: Route, { apiKey }: ServerVisit, tell: Tell): Promise<void> {
  if (apiKey !== undefined) tell(judgeBackend(await observeBackend(route, apiKey)));
}
