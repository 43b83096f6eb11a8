import type { SendResult, SocketHandler } from "../core/ports/host.ts";
import { drainingDisconnect } from "../protocol/codes.ts";
import type { ClientServices } from "./client-services.ts";
import type { Peer } from "./connection.ts";
import { HeldClients, type HeldRequest } from "./held-clients.ts";
import { OpenConnections } from "./open-connections.ts";
import { type DrainPace, sendAway } from "./send-away.ts";
import { SlowClients } from "./slow-clients.ts";
import { type Greeting, handleSocket } from "./socket-client.ts";

export interface Gateway {
  /** No further client can be held. */
  isFull(): boolean;
  /** No further client can be held of this address. */
  isFullFor(remoteAddress: string): boolean;
  /** Makes the handler for one accepted websocket. */
  accept(peer: Peer, greeting: Greeting): SocketHandler;
  /** Lets a client begin whose response is held open, and gives the body of that response. */
  hold(request: HeldRequest): ReadableStream<Uint8Array>;
  /**
   * Takes a frame that a client with a held response sent by a request of its own. False when the
   * client is of another node; nothing happens when it is gone.
   */
  receive(node: string, session: string, frame: string): boolean;
  /** Some socket's queue is filling, or has lost a frame: finds out whose and evicts it, soon. */
  onBackpressure(result: Exclude<SendResult, "sent">): void;
  /** Sends those that are there away at a pace; resolves when the last of them was told. */
  sendAway(pace: DrainPace): Promise<void>;
  /** Sends every client away at once, each with its own time to return; resolves when all are gone. */
  drain(spreadMs: number): Promise<void>;
}

export function createGateway(services: ClientServices): Gateway {
  const { registry, limits } = services;
  const connections = new OpenConnections();
  const held = new HeldClients(services, connections);
  const slow = new SlowClients(services);

  return {
    isFull: () => registry.size >= limits.clientsMax,
    isFullFor(remoteAddress) {
      const { clientsPerAddress } = limits;
      return clientsPerAddress > 0 && connections.openFrom(remoteAddress) >= clientsPerAddress;
    },
    accept: (peer, greeting) => handleSocket({ services, connections, peer, greeting }),
    hold: (request) => held.hold(request),
    receive(node, session, frame) {
      if (node !== services.node) return false;
      held.receive(session, frame);
      return true;
    },
    onBackpressure: (result) => slow.onBackpressure(result),
    sendAway: (pace) => sendAway(services, pace),
    async drain(spreadMs) {
      registry.endWhere(() =>
        drainingDisconnect(Math.round(services.entropy.fraction() * spreadMs)),
      );
      await connections.allClosed();
    },
  };
}
