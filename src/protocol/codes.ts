/** Why a connection ends: the websocket close code, or the code of a `disconnect` push. */
export interface Disconnect {
  readonly code: number;
  /** At most 123 bytes of UTF-8 (RFC 6455 §5.5). */
  readonly reason: string;
}

/**
 * Codes of the client protocol, plus Posthorn's own from 4000. Clients reconnect after codes below
 * 3500 and from 4000 to 4499; 3500–3999 and 4500–4999 are final.
 */
export const DISCONNECT = {
  internal: { code: 3004, reason: "internal server error" },
  expired: { code: 3005, reason: "connection expired" },
  subscriptionExpired: { code: 3006, reason: "subscription expired" },
  slow: { code: 3008, reason: "slow" },
  insufficientState: { code: 3010, reason: "insufficient state" },
  noPong: { code: 3012, reason: "no pong" },
  tooManyRequests: { code: 3013, reason: "too many requests" },
  invalidToken: { code: 3500, reason: "invalid token" },
  badRequest: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  force: { code: 3503, reason: "force disconnect" },
  connectionLimit: { code: 3504, reason: "connection limit" },
  channelLimit: { code: 3505, reason: "channel limit" },
  binaryFrame: { code: 3506, reason: "inappropriate protocol" },
  permissionDenied: { code: 3507, reason: "permission denied" },
  notAvailable: { code: 3508, reason: "not available" },
  ticketInvalid: { code: 4001, reason: "ticket expired or used" },
  replaced: { code: 4500, reason: "replaced" },
} as const satisfies Record<string, Disconnect>;

/** Of the websocket itself (RFC 6455 §7.4.1), in the runtimes' own words. */
export const FRAME_TOO_LARGE: Disconnect = { code: 1009, reason: "Received too big message" };

/**
 * Tells a client to come back after a while. The reason is JSON so that an SDK can obey it; existing
 * ones read JSON reasons too, and stay away for good unless `reconnect` is in them.
 */
export function drainingDisconnect(retryAfterMs: number): Disconnect {
  const reason = { reason: "draining", reconnect: true, retry_after_ms: retryAfterMs };
  return { code: 4002, reason: JSON.stringify(reason) };
}

/** Why a subscription ends while the connection goes on; from 2500 the client subscribes again. */
export const UNSUBSCRIBE = {
  server: { code: 2000, reason: "server unsubscribe" },
  insufficientState: { code: 2500, reason: "insufficient state" },
  expired: { code: 2501, reason: "subscription expired" },
} as const satisfies Record<string, Disconnect>;

/** An error reply of the client protocol. */
export interface ProtocolError {
  readonly code: number;
  readonly message: string;
  /** The client may try again. */
  readonly temporary?: boolean;
}

/** Errors of Posthorn's own methods; the protocol leaves the codes from 400 on to applications. */
export const RPC_ERROR = {
  notFound: { code: 404, message: "not found" },
  conflict: { code: 409, message: "conflict" },
} as const satisfies Record<string, ProtocolError>;

export const ERROR = {
  internal: { code: 100, message: "internal server error", temporary: true },
  unknownChannel: { code: 102, message: "unknown channel" },
  permissionDenied: { code: 103, message: "permission denied" },
  methodNotFound: { code: 104, message: "method not found" },
  alreadySubscribed: { code: 105, message: "already subscribed" },
  limitExceeded: { code: 106, message: "limit exceeded" },
  badRequest: { code: 107, message: "bad request" },
  notAvailable: { code: 108, message: "not available" },
  tokenExpired: { code: 109, message: "token expired" },
  expired: { code: 110, message: "expired" },
  tooManyRequests: { code: 111, message: "too many requests", temporary: true },
  unrecoverablePosition: { code: 112, message: "unrecoverable position" },
} as const satisfies Record<string, ProtocolError>;
