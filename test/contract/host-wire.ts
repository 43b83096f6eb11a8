import type { SocketBounds, TlsOptions } from "../../src/core/ports/host.ts";

/** What no log line but the server's own and no answer may contain. */
export const CANARY = "canary-5f2e1c";

/** The bounds the server under test is started with. */
export const HOST_LIMITS = {
  frameMaxBytes: 64 * 1024,
  bodyMaxBytes: 1000,
  backpressureMaxBytes: 256 * 1024,
};

/** The server's only argument, as JSON. */
export interface StartOptions {
  readonly hostname: string;
  /** Where to listen; 0, the default, lets the system choose. */
  readonly port?: number;
  readonly tls?: TlsOptions;
  readonly sharePort?: boolean;
}

/** A call of a method of the socket, or of `publish` or `stop` of the listener. */
export type Call =
  | readonly ["publish", topic: string, text: string]
  | readonly ["send", text: string]
  | readonly ["close", code: number, reason: string]
  | readonly ["subscribe" | "unsubscribe", topic: string]
  | readonly ["terminate" | "ping" | "bufferedBytes" | "stop"];

/** What the server does when told so. */
export type Command =
  | { readonly do: "publish"; readonly topic: string; readonly text: string }
  | { readonly do: "call"; readonly id: string; readonly calls: readonly Call[] }
  | { readonly do: "flood"; readonly topic: string; readonly joiners: number }
  | { readonly do: "join-flood"; readonly id: string; readonly topic: string }
  | { readonly do: "overflow"; readonly stalled: string; readonly healthy: string }
  | { readonly do: "pulled-bytes"; readonly id: string }
  | { readonly do: "end-body"; readonly id: string; readonly kind: "endless" | "silent" }
  | { readonly do: "rebound"; readonly bounds: SocketBounds }
  | { readonly do: "nothing" }
  | { readonly do: "release" }
  | { readonly do: "stop" }
  | { readonly do: "close-idle" }
  | { readonly do: "listen-again" }
  /** Has another listener with other certificates share the port. What else is to be done goes to the first one. */
  | { readonly do: "listen-beside"; readonly tls: TlsOptions }
  | { readonly do: "open-sockets" }
  | { readonly do: "close-sockets"; readonly code: number }
  | { readonly do: "abort" };
