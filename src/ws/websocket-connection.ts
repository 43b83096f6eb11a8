import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { HostSocket } from "../core/ports/host.ts";
import type { Connection } from "./connection.ts";

export interface WebsocketConnectionOptions {
  readonly socket: HostSocket;
  readonly transport: "websocket" | "uni_websocket";
  readonly clock: Clock;
  readonly remoteAddress: string;
  /** Bytes that may wait for this client. */
  readonly queueMaxBytes: number;
  /** Called when a frame could not be queued; the client has lost it and must recover. */
  readonly onSlow: () => void;
}

/** A client on a websocket. */
export function createWebsocketConnection(options: WebsocketConnectionOptions): Connection {
  const { socket, queueMaxBytes, transport } = options;
  return {
    transport,
    form: transport === "websocket" ? "bidirectional" : "unidirectional",
    remoteAddress: options.remoteAddress,
    send(frame) {
      if (socket.bufferedBytes() > queueMaxBytes || socket.send(frame) === "dropped") {
        options.onSlow();
      }
    },
    topics: socket,
    ping: () => socket.ping(),
    close({ code, reason }) {
      socket.close(code, reason);
      // A peer that reads nothing never answers the closing handshake.
      options.clock.after(LIMITS.closeGraceMs, () => socket.terminate());
    },
    isSlow: () => socket.bufferedBytes() > queueMaxBytes,
  };
}
