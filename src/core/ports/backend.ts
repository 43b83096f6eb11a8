import type { Channel } from "../channel.ts";
import type { SubscriptionClaims, TokenClaims } from "./tokens.ts";

/** What every question tells of the client it is about. */
export interface BackendClient {
  /** The id of the connection. */
  readonly client: string;
  /** As the protocol names it: `websocket`, `sse`, `http_stream`, `uni_websocket` … */
  readonly transport: string;
  /**
   * Headers of the handshake by lower-case name, completed by those that the client emulates in its
   * connect command. Only those that the configuration names are passed on; nobody vouches for them.
   */
  readonly headers: Readonly<Record<string, string>>;
}

/** The same of a client that is connected. */
export interface BackendUser extends BackendClient {
  /** "" is an anonymous user. */
  readonly user: string;
  /** JSON text that the backend or a token gave the connection. */
  readonly meta?: string;
}

export interface ConnectQuestion extends BackendClient {
  /** JSON text. */
  readonly data?: string;
  readonly name?: string;
  readonly version?: string;
  /** The channels for which the client would recover, or in unidirectional mode like to be subscribed to. */
  readonly channels?: readonly string[];
}

export interface SubscribeQuestion extends BackendUser {
  readonly channel: Channel;
  readonly token?: string;
  /** JSON text. */
  readonly data?: string;
}

export interface PublishQuestion extends BackendUser {
  readonly channel: Channel;
  /** JSON text. */
  readonly data: string;
}

export interface RpcQuestion extends BackendUser {
  readonly method: string;
  /** JSON text. */
  readonly data?: string;
}

/** An error reply in the backend's own words. */
export interface BackendError {
  readonly code: number;
  readonly message: string;
  /** The client may try again. */
  readonly temporary: boolean;
}

/** The end of the connection in the backend's own words: a close code from 3000 to 4999, at most 123 bytes of reason. */
export interface BackendDisconnect {
  readonly code: number;
  readonly reason: string;
}

/** What the backend says; exactly one of the three. */
export type BackendAnswer<Result> =
  | { readonly result: Result }
  | { readonly error: BackendError }
  | { readonly disconnect: BackendDisconnect };

/** Who the client is and what it may do, as a token would say it. `expiresAtMs` may be over already. */
export interface ConnectGrant extends TokenClaims {
  /** JSON text handed to the client. */
  readonly data?: string;
}

export interface RefreshGrant {
  /** The connection has to end. */
  readonly expired: boolean;
  /** Its new end, in milliseconds since 1970. Absent: never. */
  readonly expiresAtMs?: number;
  /** JSON text that replaces the one before. Absent: that stays. */
  readonly info?: string;
  /** JSON text that replaces the one before. Absent: that stays. */
  readonly meta?: string;
}

/** The client may subscribe, and how. `expiresAtMs` may be over already. */
export type SubscribeGrant = SubscriptionClaims;

/** The client may publish, and how. */
export interface PublishGrant {
  /** JSON text to publish in place of the client's. */
  readonly data?: string;
  readonly skipHistory: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
  readonly delta: boolean;
  /** 0 is none. */
  readonly version: number;
  readonly versionEpoch: string;
}

export interface RpcResult {
  /** JSON text. */
  readonly data?: string;
}

/**
 * Asks the operator's backend what tokens and the configuration leave open.
 *
 * A method is absent where the operator configured none. Each question is asked once; the answer is
 * checked, so that channels are channels and JSON text is JSON on one line. JSON text passes byte
 * for byte in both directions. Every method rejects with `backend_unreachable` when no answer comes
 * in time or none that makes sense, with `backend_busy` when too many questions wait already, and
 * with nothing else but bugs. An answer MUST NOT be taken for a yes unless it holds a result.
 */
export interface Backend {
  readonly connect?: (question: ConnectQuestion) => Promise<BackendAnswer<ConnectGrant>>;
  /** Where it is present the server refreshes connections by itself and clients need not. */
  readonly refresh?: (question: BackendUser) => Promise<BackendAnswer<RefreshGrant>>;
  readonly subscribe?: (question: SubscribeQuestion) => Promise<BackendAnswer<SubscribeGrant>>;
  readonly publish?: (question: PublishQuestion) => Promise<BackendAnswer<PublishGrant>>;
  readonly rpc?: (question: RpcQuestion) => Promise<BackendAnswer<RpcResult>>;
}
