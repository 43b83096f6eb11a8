import { Buffer } from "node:buffer";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { HostSocket } from "../core/ports/host.ts";
import { PING_FRAME } from "../protocol/server-frame.ts";
import type { Connection } from "./connection.ts";
import { QueueBound } from "./queue-bound.ts";
import type { PongRule } from "./session.ts";

export interface WebsocketConnectionOptions {
  readonly socket: HostSocket;
  readonly transport: "websocket" | "uni_websocket";
  /** Where commands do not come by this socket alone. */
  readonly session?: string;
  readonly pong: PongRule;
  /** The client is pinged by frames of the websocket only. */
  readonly hidesPings: boolean;
  readonly clock: Clock;
  readonly remoteAddress: string;
  /** Bytes that may wait for this client. */
  readonly queueMaxBytes: number;
  /** Called when a frame could not be queued; the client has lost it and must recover. */
  readonly onSlow: () => void;
  /** Called with the bytes of each frame that was taken; those of a topic are no part of it. */
  readonly onSent: (bytes: number) => void;
}

/** A client on a websocket. */
export function createWebsocketConnection(options: WebsocketConnectionOptions): Connection {
  const { socket, session, transport, hidesPings } = options;
  const bound = new QueueBound(options.queueMaxBytes);

  function send(frame: string): void {
    if (bound.isExceededBy(socket.bufferedBytes()) || socket.send(frame) === "dropped") {
      options.onSlow();
    } else {
      bound.sent(frame);
      options.onSent(Buffer.byteLength(frame));
    }
  }
  return {
    transport,
    form: transport === "websocket" ? "bidirectional" : "unidirectional",
    remoteAddress: options.remoteAddress,
    ...(session !== undefined && { session }),
    pong: options.pong,
    tellsPings: !hidesPings,
    send,
    topics: socket,
    ping() {
      if (hidesPings) options.onSent(0);
      else send(PING_FRAME);
      socket.ping();
    },
    close({ code, reason }) {
      socket.close(code, reason);
      // A peer that reads nothing never answers the closing handshake.
      options.clock.after(LIMITS.closeGraceMs, () => socket.terminate());
    },
    queuedBytes: () => socket.bufferedBytes(),
    isSlow: () => bound.isExceededBy(socket.bufferedBytes()),
  };
}
