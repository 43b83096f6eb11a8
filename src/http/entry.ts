import type { Hono } from "hono";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { RequestInfo } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import type { Gateway, Greeting } from "../ws/gateway.ts";
import {
  checkHandshake,
  type HandshakeOffer,
  type HandshakeRefusal,
  refusedByRuntime,
} from "../ws/handshake.ts";
import { refusalResponse } from "../ws/handshake-refusal.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { parseLogin } from "./login-request.ts";
import { toProblem } from "./problem.ts";

export interface EntryOptions {
  readonly app: Hono;
  readonly gateway: Gateway;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  readonly login: { readonly reply: string; readonly visitors: boolean };
}

/** What the runtime calls for each request. */
export type Entry = (request: Request, info: RequestInfo) => Promise<Response>;

/** The one gate: every request passes it before anything else looks at it. */
export function createEntry(options: EntryOptions): Entry {
  const { app, lifecycle, clock, log } = options;

  async function answer(request: Request, info: RequestInfo): Promise<Response> {
    try {
      const url = parseUrl(request.url);
      const handshake = checkHandshake(request.method, url.pathname, request.headers);
      switch (handshake.kind) {
        case "plain":
          return await app.fetch(request);
        case "refused":
          return refuse(handshake, { request, info, url, options });
        case "upgrade":
          return upgrade(handshake, { request, info, url, options });
      }
    } catch (error) {
      return toProblem(error, clock, log);
    }
  }

  return (request, info) => lifecycle.track(answer(request, info));
}

/** A hostile Host header makes the URL relative and would lead to another route than it says. */
function parseUrl(text: string): URL {
  if (/^https?:/.test(text) && URL.canParse(text)) return new URL(text);
  throw new Fault("host_invalid", { detail: "wanted a host name or address, and a port at most" });
}

interface Upgrading {
  readonly request: Request;
  readonly info: RequestInfo;
  readonly url: URL;
  readonly options: EntryOptions;
}

function upgrade(offer: HandshakeOffer, upgrading: Upgrading): Response {
  const { info, url, options } = upgrading;
  const { gateway, lifecycle, log } = options;
  lifecycle.checkServing();
  if (gateway.isFull()) throw new Fault("clients_full", { detail: "come back later" });
  for (const oddity of offer.oddities) {
    log.warn("handshake.odd", { ...oddity, path: url.pathname, address: info.remoteAddress });
  }
  const handler = gateway.accept(info.remoteAddress, greetingOf(upgrading));
  const { protocol } = offer;
  if (info.upgrade(handler, protocol === undefined ? {} : { protocol })) return new Response();
  return refuse(refusedByRuntime(offer), upgrading);
}

function greetingOf({ request, url, options }: Upgrading): Greeting {
  if (url.pathname !== "/login") return { by: "command" };
  const { reply, visitors } = options.login;
  return { by: "handshake", reply, connect: { ...parseLogin(request, url), visitors } };
}

function refuse(refusal: HandshakeRefusal, { request, info, url, options }: Upgrading): Response {
  const { clock, log } = options;
  const { code, detail, seen, fix } = refusal;
  const address = info.remoteAddress;
  log.warn("handshake.failed", { code, detail, path: url.pathname, seen, fix, address });
  return refusalResponse(refusal, request.headers.get("accept"), clock.nowMs());
}
