import type { Context } from "hono";
import { Fault } from "../core/faults.ts";
import type { Live } from "../core/live.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { decodeBareConnect } from "../protocol/client-frame.ts";
import { decodeEmulationRequest } from "../protocol/emulation-request.ts";
import type { HeldTransport } from "../ws/connection.ts";
import type { Gateway } from "../ws/gateway.ts";
import type { HeldStart } from "../ws/held-clients.ts";
import type { App, Caller } from "./app-env.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { forPages, type Methods } from "./for-pages.ts";
import { peerOf } from "./peer.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import { STREAM_HEADERS } from "./stream-headers.ts";

/** What the transports beside the websocket need. */
export interface TransportServices {
  readonly gateway: Pick<Gateway, "hold" | "receive">;
  readonly gate: ConnectionGate;
  /** Names, in lower case, of the headers that are kept for the backend. */
  readonly clientHeaders: Live<readonly string[]>;
  readonly limits: Pick<BodyLimits, "bodyTimeoutMs"> & { readonly frameMaxBytes: number };
  readonly clock: Clock;
  readonly log: Log;
}

type TransportContext = Context<{ Bindings: Caller }>;

/** Where responses are held open, how each begins, and by which methods. */
const HELD: readonly {
  readonly path: string;
  readonly transport: HeldTransport;
  readonly methods: Methods;
}[] = [
  { path: "/connection/http_stream", transport: "http_stream", methods: ["POST"] },
  { path: "/connection/sse", transport: "sse", methods: ["GET", "POST"] },
  { path: "/connection/uni_http_stream", transport: "uni_http_stream", methods: ["POST"] },
  { path: "/connection/uni_sse", transport: "uni_sse", methods: ["GET", "POST"] },
];

const CONTENT_TYPES = {
  http_stream: "application/json",
  sse: "text/event-stream; charset=utf-8",
  uni_http_stream: "application/json",
  uni_sse: "text/event-stream; charset=utf-8",
} as const satisfies Record<HeldTransport, string>;

/** The client protocol where there is no websocket: frames go down a held response and come by posts. */
export function bindClientTransports(app: App, services: TransportServices): void {
  for (const { path, transport, methods } of HELD) {
    app.use(path, forPages(methods, services));
    app.all(path, (c) => hold(c, transport, services));
  }
  app.use("/emulation", forPages(["POST"], services));
  app.all("/emulation", (c) => emulate(c, services));
}

async function hold(
  c: TransportContext,
  transport: HeldTransport,
  services: TransportServices,
): Promise<Response> {
  const { gateway, gate, clientHeaders } = services;
  const { remoteAddress } = c.env;
  gate.checkRate(remoteAddress);
  const text = await firstText(c, services);
  const start = startOf(transport, text);
  gate.checkRoom(remoteAddress);
  const onClosing = c.env.holdOpen();
  const peer = peerOf(c.req.raw, c.env, clientHeaders.current);
  const body = gateway.hold({ peer, start, onClosing });
  return new Response(body, {
    headers: { "content-type": CONTENT_TYPES[transport], ...STREAM_HEADERS },
  });
}

function firstText(c: TransportContext, services: TransportServices): Promise<string> | string {
  return c.req.method === "GET" ? (c.req.query("cf_connect") ?? "") : bodyText(c, services);
}

function startOf(transport: HeldTransport, text: string): HeldStart {
  if (transport === "uni_sse" || transport === "uni_http_stream") {
    return { transport, connect: decodeBareConnect(text) };
  }
  if (text.trim() !== "") return { transport, frame: text };
  const wanted = transport === "sse" ? "cf_connect in the query or the body" : "the body";
  throw new Fault("connect_missing", { detail: `wanted the first frame as ${wanted}` });
}

async function emulate(c: TransportContext, services: TransportServices): Promise<Response> {
  const { node, session, data } = decodeEmulationRequest(await bodyText(c, services));
  if (services.gateway.receive(node, session, data)) return c.body(null, 204);
  throw new Fault("node_unknown", { detail: "connect again" });
}

function bodyText(c: TransportContext, { limits, clock }: TransportServices): Promise<string> {
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/octet-stream") {
    throw new Fault("encoding_unsupported", { detail: "got binary frames, wanted JSON" });
  }
  const { frameMaxBytes: bodyMaxBytes, bodyTimeoutMs } = limits;
  return readBodyText(c.req.raw, { bodyMaxBytes, bodyTimeoutMs }, clock);
}
