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
import { answerBug, guardedFetch } from "./guarded-fetch.ts";
import { GuardedHandler } from "./guarded-handler.ts";

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

/** Bun's type lacks `minVersion`, which it obeys as the number of the version. */
const TLS_FLOOR = { minVersion: 0x0303, ciphers: "ECDHE+AESGCM:ECDHE+CHACHA20" };

/** Serves on Bun's native server with its native topics. */
export function createBunHost(log: Log): Host<Request, Response> {
  return {
    capabilities: {
      nativeTopics: true,
      nativeBackpressure: true,
      lenientHandshake: true,
      nativePing: true,
      hardTerminate: true,
      stopKeepsSockets: true,
    },
    async listen(options) {
      try {
        return listenerOf(serve(options, log), options.port);
      } catch (cause) {
        throw listenError(options, cause);
      }
    },
  };
}

function serve(options: Options, log: Log): Server {
  const fetch = guardedFetch(options.fetch, log);
  return Bun.serve<GuardedHandler>({
    hostname: options.hostname,
    port: options.port,
    // True would let two servers share the port without a word.
    reusePort: false,
    // The page of development mode shows sources to whoever caused the error.
    development: false,
    idleTimeout: KEEP_ALIVE_S,
    maxRequestBodySize: options.bodyMaxBytes,
    ...(options.tls && { tls: { ...options.tls, ...TLS_FLOOR } }),
    fetch: (request, server) => fetch(request, requestInfo({ request, server, log })),
    error: (error) => answerBug(error, log),
    websocket: websocketOptions(options),
  });
}

interface Asked {
  readonly request: Request;
  readonly server: Server;
  readonly log: Log;
}

function requestInfo({ request, server, log }: Asked): RequestInfo {
  return {
    remoteAddress: peerAddress(server.requestIP(request)?.address),
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

function websocketOptions(options: Options): Bun.WebSocketHandler<GuardedHandler> {
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
    open: (ws) => ws.data.open(new BunSocket(ws)),
    message: (ws, data) => ws.data.message(typeof data === "string" ? data : undefined),
    pong: (ws) => ws.data.pong(),
    close: (ws, code, reason) => ws.data.close(closeCode(code, reason), reason),
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

function listenerOf(server: Server, askedPort: number): Listener {
  return {
    // Read now: Bun's own turns to 0 when the server stops.
    port: server.port ?? askedPort,
    publish(topic, text) {
      const result = resultOf(server.publish(topic, text, false));
      // Zero also stands for a topic without subscribers.
      return result === "dropped" && server.subscriberCount(topic) === 0 ? "sent" : result;
    },
    async stop() {
      await Promise.race([server.stop(false), requestsAnswered(server)]);
    },
  };
}

async function requestsAnswered(server: Server): Promise<void> {
  while (server.pendingRequests > 0) await sleep(STOP_POLL_MS);
}
