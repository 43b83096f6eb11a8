import { Fault, type FaultCode, type FaultKind } from "../core/faults.ts";
import { type Disconnect, ERROR, type ProtocolError, RPC_ERROR } from "../protocol/codes.ts";

/** A refusal in the protocol's own words: the backend's, or one that no fault stands for. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly error: ProtocolError;

  constructor(error: ProtocolError) {
    super(error.message);
    this.error = error;
  }
}

/** A command that ends the connection. */
export class Disconnection extends Error {
  override readonly name = "Disconnection";
  readonly disconnect: Disconnect;

  /** `why` is for the log, where it says more than the reason that the client is told. */
  constructor(disconnect: Disconnect, why = disconnect.reason) {
    super(why);
    this.disconnect = disconnect;
  }
}

const BY_KIND = {
  invalid: ERROR.badRequest,
  unauthenticated: ERROR.permissionDenied,
  denied: ERROR.permissionDenied,
  missing: ERROR.methodNotFound,
  conflict: ERROR.alreadySubscribed,
  too_large: ERROR.limitExceeded,
  busy: ERROR.tooManyRequests,
  unavailable: ERROR.internal,
} as const satisfies Record<FaultKind, ProtocolError>;

/** Codes for which the protocol has a word of its own. */
const BY_CODE: Partial<Record<FaultCode, ProtocolError>> = {
  channel_unknown: ERROR.unknownChannel,
  command_key_taken: RPC_ERROR.conflict,
  command_unknown: RPC_ERROR.notFound,
  device_unknown: RPC_ERROR.notFound,
  feature_unavailable: ERROR.notAvailable,
  method_unavailable: ERROR.notAvailable,
  position_unrecoverable: ERROR.unrecoverablePosition,
  // The npm SDK answers this word by fetching another.
  ticket_refused: ERROR.tokenExpired,
  token_expired: ERROR.tokenExpired,
};

/** The error reply for a refused command; a bug says nothing of itself. */
export function toProtocolError(error: unknown): ProtocolError {
  if (error instanceof Refusal) return error.error;
  if (!(error instanceof Fault)) return ERROR.internal;
  return BY_CODE[error.code] ?? BY_KIND[error.kind];
}
