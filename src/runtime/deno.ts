import { setTimeout as sleep } from "node:timers/promises";
import type { Host, Listener, ListenOptions, RequestInfo } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import { listenError, peerAddress } from "./address.ts";
import { DenoIntake } from "./deno-intake.ts";
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
    },
    async listen(options) {
      const serving = {
        options,
        log,
        sockets: new DenoSockets(),
        intake: new DenoIntake(options.bodyMaxBytes),
      };
      try {
        return listenerOf(serve(serving), serving);
      } catch (cause) {
        throw listenError(options, cause);
      }
    },
  };
}

interface Serving {
  readonly options: Options;
  readonly log: Log;
  readonly sockets: DenoSockets;
  readonly intake: DenoIntake;
}

function serve(serving: Serving): Server {
  const { options, log, intake } = serving;
  const fetch = guardedFetch(options.fetch, log);
  return Deno.serve(
    {
      hostname: options.hostname,
      port: options.port,
      ...options.tls,
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
    const { options, sockets, log } = this.#serving;
    const switched = switchProtocols(this.#request, protocol);
    if (switched === undefined) return false;
    this.upgraded = switched.response;
    DenoSocket.attach({
      ws: switched.socket,
      handler: new GuardedHandler(handler, log),
      sockets,
      remoteAddress: this.remoteAddress,
      limits: options,
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

function listenerOf(server: Server, { sockets, intake }: Serving): Listener {
  return {
    port: server.addr.port,
    publish: (topic, text) => sockets.publish(topic, text),
    async stop() {
      const late = sleep(CLOSING_MAX_MS, undefined, { ref: false });
      const closed = Promise.race([sockets.closeAll(1001, "Server closed"), late]);
      await Promise.all([closed, intake.close()]);
      await server.shutdown();
    },
  };
}
