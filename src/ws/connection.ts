import type { Disconnect } from "../protocol/codes.ts";
import type { PushForm } from "../protocol/push-frame.ts";
import type { PongRule } from "./session.ts";

/** What goes down the body of a response that is held open. */
export type HeldTransport = "sse" | "http_stream" | "uni_sse" | "uni_http_stream";

export type Transport = "websocket" | "uni_websocket" | HeldTransport;

/** Who is at the other end, by what the request showed. */
export interface Peer {
  readonly remoteAddress: string;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One client's way back, whatever carries it. Methods are harmless on a connection that is gone. */
export interface Connection {
  readonly transport: Transport;
  readonly form: PushForm;
  readonly remoteAddress: string;
  /** Names the connection where commands come by requests of their own; a secret. */
  readonly session?: string;
  /** Sends one frame, or evicts the client when its queue is full. */
  send(frame: string): void;
  /** The runtime's own fan-out; absent where every frame is sent by {@link send}. */
  readonly topics?: ConnectionTopics;
  /** Asks for a sign of life, by a ping of the protocol or below it, as the client can answer. */
  ping(): void;
  /** What counts as an answer to that. */
  readonly pong: PongRule;
  /** The client sees the pings, so it is told when to expect them. */
  readonly tellsPings: boolean;
  close(disconnect: Disconnect): void;
  /** What waits for this client. */
  queuedBytes(): number;
  /** More waits for this client than it may hold. */
  isSlow(): boolean;
}

export interface ConnectionTopics {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}
