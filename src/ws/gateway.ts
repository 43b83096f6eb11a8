import type { SocketHandler } from "../core/ports/host.ts";
import { DISCONNECT, drainingDisconnect } from "../protocol/codes.ts";
import type { ClientServices } from "./client-services.ts";
import type { Peer } from "./connection.ts";
import { HeldClients, type HeldRequest } from "./held-clients.ts";
import { OpenConnections } from "./open-connections.ts";
import { type Greeting, handleSocket } from "./socket-client.ts";

/** How often slow clients are looked for while some queue is filling. */
const SLOW_SWEEP_MS = 250;

export interface Gateway {
  /** No further client can be held. */
  isFull(): boolean;
  /** Makes the handler for one accepted websocket. */
  accept(peer: Peer, greeting: Greeting): SocketHandler;
  /** Lets a client begin whose response is held open, and gives the body of that response. */
  hold(request: HeldRequest): ReadableStream<Uint8Array>;
  /**
   * Takes a frame that a client with a held response sent by a request of its own. False when the
   * client is of another node; nothing happens when it is gone.
   */
  receive(node: string, session: string, frame: string): boolean;
  /** Some socket's queue is filling: finds out whose and evicts it, soon. */
  onBackpressure(): void;
  /** Sends every client away, each with its own time to return; resolves when all are gone. */
  drain(spreadMs: number): Promise<void>;
}

export function createGateway(services: ClientServices): Gateway {
  const { registry, clock, limits, log } = services;
  const connections = new OpenConnections();
  const held = new HeldClients(services, connections);
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
    accept: (peer, greeting) => handleSocket({ services, connections, peer, greeting }),
    hold: (request) => held.hold(request),
    receive(node, session, frame) {
      if (node !== services.node) return false;
      held.receive(session, frame);
      return true;
    },
    onBackpressure() {
      if (isSweepDue) return;
      isSweepDue = true;
      clock.after(SLOW_SWEEP_MS, evictSlow);
    },
    async drain(spreadMs) {
      registry.endWhere(() =>
        drainingDisconnect(Math.round(services.entropy.fraction() * spreadMs)),
      );
      await connections.allClosed();
    },
  };
}
