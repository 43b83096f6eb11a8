import type { Live } from "../core/live.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import type { Gateway } from "../ws/gateway.ts";
import {
  checkHandshake,
  type HandshakeOffer,
  type HandshakeRefusal,
  isDeviceSocket,
  refusedByRuntime,
} from "../ws/handshake.ts";
import { refusalResponse } from "../ws/handshake-refusal.ts";
import type { Greeting } from "../ws/socket-client.ts";
import type { App } from "./app-env.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { createHandshakeReports, type HandshakeReports } from "./handshake-reports.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { parseLogin } from "./login-request.ts";
import { peerOf } from "./peer.ts";
import { toProblem } from "./problem.ts";
import type { CallerInfo } from "./proxies/addressed.ts";
import { requestUrl } from "./request-url.ts";

export interface EntryOptions {
  readonly app: App;
  readonly gateway: Pick<Gateway, "accept">;
  readonly gate: ConnectionGate;
  readonly lifecycle: Lifecycle;
  /** Names, in lower case, of the headers that are kept for the backend. */
  readonly clientHeaders: Live<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Read for each client: it may change. */
  readonly login: { readonly reply: string; readonly visitors: boolean };
}

/** What is called for each request, once it is known who asks. */
export type Entry = (request: Request, info: CallerInfo) => Promise<Response>;

/** The one gate: every request passes it before anything else looks at it. */
export function createEntry(options: EntryOptions): Entry {
  const { app, lifecycle, clock, log } = options;
  const reports = createHandshakeReports(options);

  async function answer(request: Request, info: CallerInfo): Promise<Response> {
    try {
      const url = requestUrl(request);
      // A kept-alive connection may bring new work while the old is being finished.
      if (url.pathname !== "/healthz") lifecycle.checkServing();
      const handshake = checkHandshake(request.method, url.pathname, request.headers);
      switch (handshake.kind) {
        case "plain":
          return await app.fetch(request, info);
        case "refused":
          return refuse(handshake, { request, info, url, options, reports });
        case "upgrade":
          if (!isDeviceSocket(url.pathname)) {
            return upgrade(handshake, { request, info, url, options, reports });
          }
          options.gate.checkRate(info.remoteAddress);
          reports.odd(handshake, { info, path: url.pathname });
          // Its route asks for the device's secret, and then switches.
          return await app.fetch(request, info);
      }
    } catch (error) {
      return toProblem(error, clock, log);
    }
  }

  return (request, info) => lifecycle.track(answer(request, info));
}

interface Upgrading {
  readonly request: Request;
  readonly info: CallerInfo;
  readonly url: URL;
  readonly options: EntryOptions;
  readonly reports: HandshakeReports;
}

function upgrade(offer: HandshakeOffer, upgrading: Upgrading): Response {
  const { request, info, url, options, reports } = upgrading;
  const { gateway, gate, clientHeaders } = options;
  gate.checkOrigin(request, info.remoteAddress);
  gate.checkRate(info.remoteAddress);
  gate.checkRoom(info.remoteAddress);
  reports.odd(offer, { info, path: url.pathname });
  const handler = gateway.accept(
    peerOf(request, info, clientHeaders.current),
    greetingOf(upgrading),
  );
  const { protocol } = offer;
  if (info.upgrade(handler, protocol === undefined ? {} : { protocol })) return new Response();
  return refuse(refusedByRuntime(offer), upgrading);
}

function greetingOf({ request, url, options }: Upgrading): Greeting {
  const query = url.searchParams;
  switch (url.pathname) {
    case "/login": {
      const { reply, visitors } = options.login;
      return { by: "handshake", reply, connect: { ...parseLogin(request, url), visitors } };
    }
    case "/connection/uni_websocket": {
      const text = query.get("cf_connect");
      return { by: "request", ...(text !== null && { text }) };
    }
    default:
      return { by: "command", pingFrames: query.get("cf_ws_frame_ping_pong") === "true" };
  }
}

function refuse(refusal: HandshakeRefusal, { request, info, url, ...rest }: Upgrading): Response {
  rest.reports.refused(refusal, { info, path: url.pathname });
  return refusalResponse(refusal, request.headers.get("accept"), rest.options.clock.nowMs());
}
