import { setTimeout as sleep } from "node:timers/promises";
import type {
  Host,
  Listener,
  ListenOptions,
  RequestInfo,
  SocketBounds,
  TlsFiles,
  TlsOptions,
} from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import { listenError, peerAddress } from "./address.ts";
import { DenoIntake } from "./deno-intake.ts";
import { DenoServing } from "./deno-serving.ts";
import { DenoSocket, DenoSockets } from "./deno-socket.ts";
import { answerBug, guardedFetch } from "./guarded-fetch.ts";
import { GuardedHandler } from "./guarded-handler.ts";

type Options = ListenOptions<Request, Response>;
type Server = Deno.HttpServer<Deno.NetAddr>;

/** How long a stop waits for peers to take their close frames: `shutdown` cuts off those that have not. */
const CLOSING_MAX_MS = 2_000;

/** Serves on `Deno.serve`; what Bun does natively for sockets and topics is done here in JavaScript. */
export function createDenoHost(log: Log): Host<Request, Response> {
  return {
    capabilities: {
      nativeTopics: false,
      nativeBackpressure: false,
      lenientHandshake: false,
      nativePing: false,
      hardTerminate: false,
      stopKeepsSockets: false,
      // It would only with --unstable-net, and the sockets of the older one would end all the same.
      sharesPort: false,
      fullTls: false,
    },
    async listen(options) {
      const { frameMaxBytes, backpressureMaxBytes } = options;
      const serving = {
        options,
        bounds: { frameMaxBytes, backpressureMaxBytes },
        log,
        sockets: new DenoSockets(),
        intake: new DenoIntake(options.bodyMaxBytes),
      };
      try {
        const server = new DenoServing(options.port, (port) => serve(serving, port), log);
        return listenerOf(server, serving);
      } catch (cause) {
        throw listenError(options, cause);
      }
    },
  };
}

interface Serving {
  readonly options: Options;
  /** Read by every socket at each frame. */
  readonly bounds: { -readonly [Name in keyof SocketBounds]: SocketBounds[Name] };
  readonly log: Log;
  readonly sockets: DenoSockets;
  readonly intake: DenoIntake;
}

function serve(serving: Serving, port: number): Server {
  const { options, log, intake } = serving;
  const fetch = guardedFetch(options.fetch, log);
  return Deno.serve(
    {
      hostname: options.hostname,
      port,
      ...(options.tls && onlyCertificate(options.tls)),
      // Deno would print the address.
      onListen: () => undefined,
      onError: (error) => answerBug(error, log),
    },
    async (request, { remoteAddr }) => {
      const refusal = intake.refusal(request);
      if (refusal !== undefined) return refusal;
      using _coming = intake.begin(request);
      const asked = new Asked(request, peerAddress(remoteAddr.hostname), serving);
      const response = await fetch(request, asked);
      return asked.upgraded ?? response;
    },
  );
}

/** `Deno.serve` takes one certificate, and nothing else of what `fullTls` is about. */
function onlyCertificate({ certificates, minVersion, clientCa }: TlsOptions): TlsFiles {
  const [first, ...others] = certificates;
  if (others.length > 0) throw missing(`${certificates.length} certificates`, "one");
  if (minVersion !== "1.2") throw missing(`TLS ${minVersion} as the oldest version`, "1.2");
  if (clientCa !== undefined) throw missing("an authority of clients' certificates", "none");
  return { cert: first.cert, key: first.key };
}

function missing(got: string, wanted: string): Error {
  return new Error(`got ${got}, this runtime can do with ${wanted} only: use the executable`);
}

/** Keeps the response that switches protocols, which Deno wants returned instead of the app's own. */
class Asked implements RequestInfo {
  readonly remoteAddress: string;
  upgraded: Response | undefined;
  readonly #request: Request;
  readonly #serving: Serving;

  constructor(request: Request, remoteAddress: string, serving: Serving) {
    this.#request = request;
    this.#serving = serving;
    this.remoteAddress = remoteAddress;
  }

  upgrade: RequestInfo["upgrade"] = (handler, { protocol }) => {
    const { bounds, sockets, log } = this.#serving;
    const switched = switchProtocols(this.#request, protocol);
    if (switched === undefined) return false;
    this.upgraded = switched.response;
    DenoSocket.attach({
      ws: switched.socket,
      handler: new GuardedHandler(handler, log),
      sockets,
      remoteAddress: this.remoteAddress,
      limits: bounds,
    });
    return true;
  };

  /** Deno waits for ever, and lets nobody end the connection of a peer that reads nothing. */
  holdOpen = (): (() => void) => () => undefined;
}

function switchProtocols(
  request: Request,
  protocol: string | undefined,
): Deno.WebSocketUpgrade | undefined {
  try {
    return Deno.upgradeWebSocket(request, {
      // Our own heartbeat finds the dead.
      idleTimeout: 0,
      ...(protocol !== undefined && { protocol }),
    });
  } catch (error) {
    // A handshake Deno does not take, by its documented TypeError; anything else is a bug.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function listenerOf(server: DenoServing, { bounds, sockets, intake }: Serving): Listener {
  return {
    port: server.port,
    publish: (topic, text) => sockets.publish(topic, text),
    rebound({ frameMaxBytes, backpressureMaxBytes }) {
      Object.assign(bounds, { frameMaxBytes, backpressureMaxBytes });
    },
    async stop() {
      const late = sleep(CLOSING_MAX_MS, undefined, { ref: false });
      const closed = Promise.race([
        sockets.closeAll({ code: 1001, reason: "Server closed" }),
        late,
      ]);
      await Promise.all([closed, intake.close()]);
      await server.stop();
    },
    closeIdle: () => undefined,
    openSockets: () => sockets.openCount,
    closeSockets: (farewell) => sockets.closeEach(farewell),
    // What `shutdown` waits for can be ended no more.
    abort: () => Promise.resolve(),
  };
}
