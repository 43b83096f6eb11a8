import { Fault } from "../core/faults.ts";
import type { HostSocket, SocketHandler } from "../core/ports/host.ts";
import { decodeBareConnect, isJsonObject } from "../protocol/client-frame.ts";
import { DISCONNECT } from "../protocol/codes.ts";
import { admitByHandshake, admitUnidirectional, type HandshakeConnect } from "./admit.ts";
import { Client } from "./client.ts";
import type { ClientServices } from "./client-services.ts";
import type { Connection, Peer } from "./connection.ts";
import { SESSION_BYTES } from "./held-clients.ts";
import type { OpenConnections } from "./open-connections.ts";
import { createWebsocketConnection } from "./websocket-connection.ts";

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
  const receive = receiverFor(greeting);
  return {
    open(socket) {
      connections.opened();
      const connection = connectionOf({ services, peer, greeting, socket }, () => opened.tooSlow());
      const opened: Client = new Client(connection, services, peer);
      client = opened;
      if (greeting.by === "handshake") {
        opened.perform("client.connect", () => admitByHandshake(opened, greeting.connect));
      } else if (greeting.by === "request" && greeting.text !== undefined) {
        receive(opened, greeting.text);
      }
    },
    message(text) {
      if (client !== undefined && !client.isClosed) receive(client, text);
    },
    pong: () => client?.signOfLife(),
    close(code, reason) {
      connections.closed();
      client?.lost(code, reason);
    },
  };
}

type Receiver = (client: Client, text: string | undefined) => void;

function receiverFor(greeting: Greeting): Receiver {
  switch (greeting.by) {
    case "command":
      return (client, text) => client.receive(text);
    case "handshake":
      return (client, text) => {
        if (text === undefined || isJsonObject(text)) client.receive(text);
        else answerText(client, text, greeting.reply);
      };
    case "request":
      return listenerReceiver();
  }
}

/** The check of a developer's first minute: type a word, see that the server is there. */
function answerText(client: Client, text: string, reply: string): void {
  client.signOfLife();
  client.services.log.info("client.message", { client: client.id, chars: text.length, reply });
  if (reply !== "") client.connection.send(reply);
}

/** Takes the connect request; whatever comes later only shows that somebody is there. */
function listenerReceiver(): Receiver {
  let isGreeted = false;
  return (client, text) => {
    if (isGreeted) return client.signOfLife();
    isGreeted = true;
    if (text === undefined) return client.end(DISCONNECT.binaryFrame);
    client.perform("client.connect", async () => {
      const connect = readConnect(client, text);
      if (connect === undefined) client.end(DISCONNECT.badRequest);
      else await admitUnidirectional(client, connect);
    });
  };
}

function readConnect(client: Client, text: string) {
  try {
    return decodeBareConnect(text);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    client.services.log.info("client.refused", { client: client.id, why: error.message });
    return undefined;
  }
}

interface Opened {
  readonly services: ClientServices;
  readonly peer: Peer;
  readonly greeting: Greeting;
  readonly socket: HostSocket;
}

function connectionOf(
  { services, peer, greeting, socket }: Opened,
  onSlow: () => void,
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
    onSlow,
  } as const;
  if (greeting.by !== "request") {
    return createWebsocketConnection({ ...common, transport: "websocket" });
  }
  const session = entropy.token(SESSION_BYTES);
  return createWebsocketConnection({ ...common, transport: "uni_websocket", session });
}
