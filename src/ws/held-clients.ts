import type { CommandOf } from "../protocol/client-frame.ts";
import { admitUnidirectional } from "./admit.ts";
import { Client } from "./client.ts";
import type { ClientServices } from "./client-services.ts";
import type { HeldTransport, Peer } from "./connection.ts";
import { HeldConnection } from "./held-connection.ts";
import type { OpenConnections } from "./open-connections.ts";

/** Bytes of chance in a session: who knows it can speak for the client. */
export const SESSION_BYTES = 16;

/** How a client begins whose response is held open. */
export type HeldStart =
  /** Its first frame, as on a websocket; the frames that follow come by {@link HeldClients.receive}. */
  | { readonly transport: "sse" | "http_stream"; readonly frame: string }
  /** It only listens. */
  | {
      readonly transport: "uni_sse" | "uni_http_stream";
      readonly connect: CommandOf<"connect">;
    };

export interface HeldRequest {
  readonly peer: Peer;
  readonly start: HeldStart;
  /** Nothing more is going to be sent: whoever does not take the rest soon may be cut off. */
  readonly onClosing: () => void;
}

/** The clients of this node who are answered down a held response. */
export class HeldClients {
  readonly #services: ClientServices;
  readonly #connections: OpenConnections;
  /** Those who may send frames. */
  readonly #bySession = new Map<string, Client>();

  constructor(services: ClientServices, connections: OpenConnections) {
    this.#services = services;
    this.#connections = connections;
  }

  /** Lets a client begin; what comes back is the body of its response. */
  hold({ peer, start, onClosing }: HeldRequest): ReadableStream<Uint8Array> {
    const connection = this.#connectionOf(peer, start.transport, {
      onSlow: () => client.tooSlow(),
      onClosing,
      onGone: () => client.lost(LOST.code, LOST.reason),
    });
    const client: Client = new Client(connection, this.#services, peer);
    if ("frame" in start) {
      this.#bySession.set(connection.session, client);
      client.receive(start.frame);
    } else {
      client.connect(() => admitUnidirectional(client, start.connect));
    }
    return connection.body;
  }

  /** Takes one frame of the client with this session; nothing happens when it is gone. */
  receive(session: string, frame: string): void {
    this.#bySession.get(session)?.receive(frame);
  }

  #connectionOf(peer: Peer, transport: HeldTransport, events: ConnectionEvents): HeldConnection {
    const { clock, entropy, limits, meter } = this.#services;
    const session = entropy.token(SESSION_BYTES);
    this.#connections.opened(peer.remoteAddress);
    return new HeldConnection({
      transport,
      session,
      clock,
      remoteAddress: peer.remoteAddress,
      queueMaxBytes: limits.queueMaxBytes,
      onSent: (bytes) => meter.sent(bytes),
      ...events,
      onGone: () => {
        this.#connections.closed(peer.remoteAddress);
        this.#bySession.delete(session);
        events.onGone();
      },
    });
  }
}

interface ConnectionEvents {
  readonly onSlow: () => void;
  readonly onClosing: () => void;
  readonly onGone: () => void;
}

/** How the log tells that a client went away by itself, without a close frame to say so. */
const LOST = { code: 3000, reason: "connection closed" };
