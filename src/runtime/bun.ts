import { platform } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  Host,
  HostSocket,
  Listener,
  ListenOptions,
  RequestInfo,
  SendResult,
  UpgradeOptions,
} from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import { listenError, peerAddress } from "./address.ts";
import { bunTls } from "./bun-tls.ts";
import { answerBug, guardedFetch } from "./guarded-fetch.ts";
import { GuardedHandler } from "./guarded-handler.ts";
import { preferNewest } from "./newest-listener.ts";
import { SharedPorts } from "./shared-ports.ts";

type Options = ListenOptions<Request, Response>;
type Server = Bun.Server<GuardedHandler>;
type Socket = Bun.ServerWebSocket<GuardedHandler>;

/** The longest Bun knows. Devices keep their connection between posts, and a held request must not be cut. */
const KEEP_ALIVE_S = 255;

/** How long a held response may take to leave once it has ended. */
const CLOSING_S = 4;

/** How often a stopped server is asked whether requests still run; Bun tells only when sockets are gone too. */
const STOP_POLL_MS = 20;

/** From here on compressing a reply is worth its time, for clients that asked for compression. */
const COMPRESS_MIN_CHARS = 1024;

const TOO_BIG_REASON = "Received too big message";

/** Serves on Bun's native server with its native topics. */
export function createBunHost(log: Log): Host<Request, Response> {
  // Elsewhere the system decides who gets a connection, or lets nobody share.
  const sharesPort = platform() === "linux";
  const shared = new SharedPorts();
  return {
    capabilities: {
      nativeTopics: true,
      nativeBackpressure: true,
      lenientHandshake: true,
      nativePing: true,
      hardTerminate: true,
      stopKeepsSockets: true,
      sharesPort,
      fullTls: true,
    },
    async listen(options) {
      try {
        const isShared = sharesPort && options.sharePort === true;
        if (!isShared) return serve({ options, log, isShared, sockets: new Set() });
        const isFirst = !shared.has(options.port);
        if (isFirst && options.takesOverPort !== true) checkFree(options);
        const listener = shared.add(serve({ options, log, isShared, sockets: new Set() }));
        // What the kernel was told of the port before is gone with the last one that listened there.
        if (isFirst) await preferNewest(listener.port);
        return listener;
      } catch (cause) {
        throw listenError(options, cause);
      }
    },
  };
}

/** Throws when anybody listens there: Bun would share the port with another process without a word. */
function checkFree({ hostname, port }: Options): void {
  // What the system is to choose is free.
  if (port === 0) return;
  const probe = { hostname, port, reusePort: false, fetch: () => new Response() };
  Bun.serve(probe).stop(true);
}

interface Serving {
  readonly options: Options;
  readonly log: Log;
  readonly isShared: boolean;
  readonly sockets: Set<Socket>;
}

function serve(serving: Serving): Listener {
  const { options, isShared } = serving;
  const server = Bun.serve<GuardedHandler>({
    hostname: options.hostname,
    port: options.port,
    reusePort: isShared,
    idleTimeout: KEEP_ALIVE_S,
    maxRequestBodySize: options.bodyMaxBytes,
    ...(options.tls && { tls: bunTls(options.tls) }),
    ...replaceable(serving),
  });
  return listenerOf(server, serving);
}

/** What Bun takes anew while a server runs; a `reload` without one of these would set it to its default. */
function replaceable(serving: Serving) {
  const { options, log } = serving;
  const fetch = guardedFetch(options.fetch, log);
  const isCertified = options.tls?.clientCa !== undefined;
  return {
    // The page of development mode shows sources to whoever caused the error.
    development: false,
    fetch: (request: Request, server: Server) =>
      fetch(request, requestInfo({ request, server, log, isCertified })),
    error: (error: Error) => answerBug(error, log),
    websocket: websocketOptions(serving),
  } as const;
}

interface Asked {
  readonly request: Request;
  readonly server: Server;
  readonly log: Log;
  readonly isCertified: boolean;
}

function requestInfo({ request, server, log, isCertified }: Asked): RequestInfo {
  return {
    remoteAddress: peerAddress(server.requestIP(request)?.address),
    isCertified,
    upgrade: (handler, { protocol }: UpgradeOptions) =>
      server.upgrade(request, {
        data: new GuardedHandler(handler, log),
        // Without this header Bun confirms whatever was offered first; empty, it confirms nothing.
        headers: { "Sec-WebSocket-Protocol": protocol ?? "" },
      }),
    holdOpen() {
      server.timeout(request, 0);
      return () => server.timeout(request, CLOSING_S);
    },
  };
}

function websocketOptions({ options, sockets }: Serving): Bun.WebSocketHandler<GuardedHandler> {
  return {
    // Our own heartbeat finds the dead: Bun's idle timer is re-armed by every send.
    idleTimeout: 0,
    sendPings: false,
    maxPayloadLength: options.frameMaxBytes,
    backpressureLimit: options.backpressureMaxBytes,
    closeOnBackpressureLimit: true,
    // Negotiated only where a client asks. Only long replies are compressed: Bun would compress a
    // publication once per subscriber, which costs five times as much as sending it.
    perMessageDeflate: { compress: "shared", decompress: "shared" },
    open(ws) {
      sockets.add(ws);
      ws.data.open(new BunSocket(ws));
    },
    message: (ws, data) => ws.data.message(typeof data === "string" ? data : undefined),
    pong: (ws) => ws.data.pong(),
    close(ws, code, reason) {
      sockets.delete(ws);
      ws.data.close(closeCode(code, reason), reason);
    },
  };
}

/** The peer of an oversized message got 1009, while Bun tells us 1006. */
function closeCode(code: number, reason: string): number {
  return code === 1006 && reason === TOO_BIG_REASON ? 1009 : code;
}

class BunSocket implements HostSocket {
  readonly remoteAddress: string;
  readonly #ws: Socket;

  constructor(ws: Socket) {
    this.#ws = ws;
    this.remoteAddress = peerAddress(ws.remoteAddress);
  }

  send(text: string): SendResult {
    const sentBytes = this.#ws.send(text, text.length >= COMPRESS_MIN_CHARS);
    // Zero bytes sent of an empty text are all of them.
    return text === "" ? "sent" : resultOf(sentBytes);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  ping(): void {
    this.#ws.ping();
  }

  subscribe(topic: string): void {
    this.#ws.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#ws.unsubscribe(topic);
  }

  bufferedBytes(): number {
    return this.#ws.getBufferedAmount();
  }
}

function resultOf(sentBytes: number): SendResult {
  if (sentBytes > 0) return "sent";
  return sentBytes < 0 ? "queued" : "dropped";
}

function listenerOf(server: Server, serving: Serving): Listener {
  const { options, sockets } = serving;
  return {
    // Read now: Bun's own turns to 0 when the server stops.
    port: server.port ?? options.port,
    publish(topic, text) {
      const result = resultOf(server.publish(topic, text, false));
      // Zero also stands for a topic without subscribers.
      return result === "dropped" && server.subscriberCount(topic) === 0 ? "sent" : result;
    },
    rebound(bounds) {
      // Sockets share what a reload sets, so this reaches those that are open.
      server.reload(replaceable({ ...serving, options: { ...options, ...bounds } }));
    },
    async stop() {
      await Promise.race([server.stop(false), requestsAnswered(server)]);
    },
    closeIdle() {
      server.closeIdleConnections();
    },
    openSockets: () => sockets.size,
    closeSockets(farewell) {
      for (const ws of [...sockets]) {
        const { code, reason } = farewell();
        ws.close(code, reason);
      }
    },
    async abort() {
      await server.stop(true);
    },
  };
}

async function requestsAnswered(server: Server): Promise<void> {
  while (server.pendingRequests > 0) await sleep(STOP_POLL_MS);
}
