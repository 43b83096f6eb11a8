import type { Disconnect } from "../protocol/codes.ts";
import type { PushForm } from "../protocol/push-frame.ts";

export type Transport =
  | "websocket"
  | "sse"
  | "http_stream"
  | "uni_websocket"
  | "uni_sse"
  | "uni_http_stream";

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
  /** Asks for a sign of life below the protocol, where the transport can. */
  ping(): void;
  close(disconnect: Disconnect): void;
  /** More waits for this client than it may hold. */
  isSlow(): boolean;
}

export interface ConnectionTopics {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}
