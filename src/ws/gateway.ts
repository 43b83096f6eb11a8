import type { HostSocket, SocketHandler } from "../core/ports/host.ts";
import { isJsonObject } from "../protocol/client-frame.ts";
import { DISCONNECT, drainingDisconnect } from "../protocol/codes.ts";
import { admitByHandshake, type HandshakeConnect } from "./admit.ts";
import { Client } from "./client.ts";
import type { ClientServices } from "./client-services.ts";
import { createWebsocketConnection } from "./websocket-connection.ts";

/** How often slow clients are looked for while some queue is filling. */
const SLOW_SWEEP_MS = 250;

/** How a client on one of the paths begins. */
export type Greeting =
  /** It sends a connect command. */
  | { readonly by: "command" }
  /** Its handshake was the connect; `reply` answers text that is no command ("" answers nothing). */
  | { readonly by: "handshake"; readonly connect: HandshakeConnect; readonly reply: string };

export interface Gateway {
  /** No further client can be held. */
  isFull(): boolean;
  /** Makes the handler for one accepted websocket. */
  accept(remoteAddress: string, greeting: Greeting): SocketHandler;
  /** Some socket's queue is filling: finds out whose and evicts it, soon. */
  onBackpressure(): void;
  /** Sends every client away, each with its own time to return; resolves when all are gone. */
  drain(spreadMs: number): Promise<void>;
}

export function createGateway(services: ClientServices): Gateway {
  const { registry, clock, limits, log } = services;
  const sockets = new OpenSockets();
  let isSweepDue = false;

  function evictSlow(): void {
    isSweepDue = false;
    registry.endWhere((client) => {
      if (!client.connection.isSlow()) return undefined;
      log.warn("client.slow", { client: client.id, queueMaxBytes: limits.queueMaxBytes });
      return DISCONNECT.slow;
    });
  }

  return {
    isFull: () => registry.size >= limits.clientsMax,
    accept: (remoteAddress, greeting) =>
      socketHandler({ services, sockets, remoteAddress, greeting }),
    onBackpressure() {
      if (isSweepDue) return;
      isSweepDue = true;
      clock.after(SLOW_SWEEP_MS, evictSlow);
    },
    async drain(spreadMs) {
      registry.endWhere(() =>
        drainingDisconnect(Math.round(services.entropy.fraction() * spreadMs)),
      );
      await sockets.allClosed();
    },
  };
}

interface Accepted {
  readonly services: ClientServices;
  readonly sockets: OpenSockets;
  readonly remoteAddress: string;
  readonly greeting: Greeting;
}

/** Counts sockets until they are really closed: a client is gone before its close frame is sent. */
class OpenSockets {
  #open = 0;
  readonly #waiters: (() => void)[] = [];

  opened(): void {
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async allClosed(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}

function socketHandler(accepted: Accepted): SocketHandler {
  const { services, sockets, remoteAddress, greeting } = accepted;
  let client: Client | undefined;
  return {
    open(socket) {
      sockets.opened();
      client = openClient(socket);
      if (greeting.by !== "handshake") return;
      const opened = client;
      opened.perform("client.connect", () => admitByHandshake(opened, greeting.connect));
    },
    message(text) {
      if (client === undefined || client.isClosed) return;
      if (greeting.by === "handshake" && text !== undefined && !isJsonObject(text)) {
        answerText(client, text, greeting.reply);
      } else {
        client.receive(text);
      }
    },
    pong: () => client?.signOfLife(),
    close(code, reason) {
      sockets.closed();
      client?.lost(code, reason);
    },
  };

  function openClient(socket: HostSocket): Client {
    const connection = createWebsocketConnection({
      socket,
      transport: "websocket",
      clock: services.clock,
      remoteAddress,
      queueMaxBytes: services.limits.queueMaxBytes,
      onSlow: () => opened.end(DISCONNECT.slow),
    });
    const opened = new Client(connection, services);
    return opened;
  }
}

/** The check of a developer's first minute: type a word, see that the server is there. */
function answerText(client: Client, text: string, reply: string): void {
  client.signOfLife();
  client.services.log.info("client.message", { client: client.id, chars: text.length, reply });
  if (reply !== "") client.connection.send(reply);
}
