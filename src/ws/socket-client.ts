import { LIMITS } from "../core/limits.ts";
import type { HostSocket, SocketHandler } from "../core/ports/host.ts";
import { decodeBareConnect, isJsonObject } from "../protocol/client-frame.ts";
import { DISCONNECT, FRAME_TOO_LARGE } from "../protocol/codes.ts";
import { admitByHandshake, admitUnidirectional, type HandshakeConnect } from "./admit.ts";
import { Client } from "./client.ts";
import type { ClientServices } from "./client-services.ts";
import type { Connection, Peer } from "./connection.ts";
import { isTooLarge } from "./frame-size.ts";
import { SESSION_BYTES } from "./held-clients.ts";
import type { OpenConnections } from "./open-connections.ts";
import { readFrame } from "./read-frame.ts";
import {
  createWebsocketConnection,
  type WebsocketConnectionOptions,
} from "./websocket-connection.ts";

/** What a socket is closed with that ended without a close frame (RFC 6455 §7.1.5). */
const BROKEN_OFF = 1006;

/** How a client on one of the paths begins. */
export type Greeting =
  /** It sends a connect command. `pingFrames`: it wants no pings but those of the websocket. */
  | { readonly by: "command"; readonly pingFrames?: boolean }
  /** Its handshake was the connect; `reply` answers text that is no command ("" answers nothing). */
  | { readonly by: "handshake"; readonly connect: HandshakeConnect; readonly reply: string }
  /** It will only listen. Its connect request is here, or else it is the first message. */
  | { readonly by: "request"; readonly text?: string };

export interface Accepted {
  readonly services: ClientServices;
  readonly connections: OpenConnections;
  readonly peer: Peer;
  readonly greeting: Greeting;
}

/** Feeds one client with what its websocket brings. */
export function handleSocket({ services, connections, peer, greeting }: Accepted): SocketHandler {
  let client: Client | undefined;
  const { clock, meter } = services;
  let lastByteAtMs = clock.monotonicMs();
  const manner = mannerOf(greeting);
  return {
    open(socket) {
      connections.opened(peer.remoteAddress);
      const connection = connectionOf(
        { services, peer, greeting, socket },
        {
          onSlow: () => opened.tooSlow(),
          onSent(bytes) {
            meter.sent(bytes);
            lastByteAtMs = clock.monotonicMs();
          },
        },
      );
      const opened: Client = new Client(connection, services, peer);
      client = opened;
      manner.begin(opened);
    },
    message(text) {
      if (client === undefined || client.isClosed) return;
      lastByteAtMs = clock.monotonicMs();
      if (isTooLarge(text, services.limits.frameMaxBytes)) client.end(FRAME_TOO_LARGE);
      else manner.receive(client, text);
    },
    pong() {
      lastByteAtMs = clock.monotonicMs();
      client?.signOfLife();
    },
    close(code, reason) {
      connections.closed(peer.remoteAddress);
      // Where we closed, it is known why.
      const isBroken = code === BROKEN_OFF && client?.isClosed === false;
      if (isBroken) meter.brokeOff(clock.monotonicMs() - lastByteAtMs);
      client?.lost(code, reason);
    },
  };
}

/** What distinguishes the paths: how a client begins, and what its messages mean. */
interface Manner {
  begin(client: Client): void;
  receive(client: Client, text: string | undefined): void;
}

function mannerOf(greeting: Greeting): Manner {
  switch (greeting.by) {
    case "command":
      return { begin() {}, receive: (client, text) => client.receive(text) };
    case "handshake":
      return handshakeManner(greeting);
    case "request":
      return listenerManner(greeting.text);
  }
}

/** Admitted as it comes. The connect push is the first frame it gets, so what it says earlier waits. */
function handshakeManner({ connect, reply }: Extract<Greeting, { by: "handshake" }>): Manner {
  let early: (string | undefined)[] | undefined = [];

  function receive(client: Client, text: string | undefined): void {
    if (early !== undefined) {
      early.push(text);
      if (early.length > LIMITS.earlyTextsMax) client.end(DISCONNECT.tooManyRequests);
    } else if (text === undefined || isJsonObject(text)) {
      client.receive(text);
    } else {
      answerText(client, text, reply);
    }
  }

  return {
    receive,
    begin(client) {
      client.connect(async () => {
        await admitByHandshake(client, connect);
        const waiting = early ?? [];
        early = undefined;
        for (const text of waiting) if (!client.isClosed) receive(client, text);
      });
    },
  };
}

/** The check of a developer's first minute: type a word, see that the server is there. */
function answerText(client: Client, text: string, reply: string): void {
  client.signOfLife();
  if (!client.isInPace()) return;
  client.services.log.info("client.message", { client: client.id, chars: text.length, reply });
  if (reply !== "") client.connection.send(reply);
}

/** Takes the connect request; whatever comes later only shows that somebody is there. */
function listenerManner(request: string | undefined): Manner {
  let isGreeted = false;

  function receive(client: Client, text: string | undefined): void {
    if (isGreeted) client.signOfLife();
    else if (text === undefined) client.end(DISCONNECT.binaryFrame);
    else client.connect(() => admit(client, text));
    isGreeted = true;
  }

  async function admit(client: Client, text: string): Promise<void> {
    const connect = readFrame(client, () => decodeBareConnect(text));
    if (connect === undefined) client.end(DISCONNECT.badRequest);
    else await admitUnidirectional(client, connect);
  }

  return {
    receive,
    begin(client) {
      if (request !== undefined) receive(client, request);
    },
  };
}

interface Opened {
  readonly services: ClientServices;
  readonly peer: Peer;
  readonly greeting: Greeting;
  readonly socket: HostSocket;
}

function connectionOf(
  { services, peer, greeting, socket }: Opened,
  events: Pick<WebsocketConnectionOptions, "onSlow" | "onSent">,
): Connection {
  const { clock, entropy, limits, nativePing } = services;
  const byFrames = greeting.by !== "command" || greeting.pingFrames === true;
  // The websocket answers its own pings; where none can be sent, silence proves nothing.
  const framePong = nativePing ? "any" : "none";
  const common = {
    socket,
    clock,
    remoteAddress: peer.remoteAddress,
    queueMaxBytes: limits.queueMaxBytes,
    pong: byFrames ? framePong : "required",
    hidesPings: greeting.by === "command" && byFrames && nativePing,
    ...events,
  } as const;
  if (greeting.by !== "request") {
    return createWebsocketConnection({ ...common, transport: "websocket" });
  }
  const session = entropy.token(SESSION_BYTES);
  return createWebsocketConnection({ ...common, transport: "uni_websocket", session });
}
