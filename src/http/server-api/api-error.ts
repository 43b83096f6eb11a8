import { Fault, type FaultCode, type FaultKind } from "../../core/faults.ts";
import type { Log } from "../../core/ports/log.ts";
import { API_ERROR, type ApiError } from "../../protocol/server-api-answer.ts";
import { logTrouble } from "../problem.ts";

const BY_KIND = {
  invalid: API_ERROR.badRequest,
  unauthenticated: API_ERROR.badRequest,
  denied: API_ERROR.badRequest,
  missing: API_ERROR.notFound,
  conflict: API_ERROR.conflict,
  too_large: API_ERROR.badRequest,
  busy: API_ERROR.internal,
  unavailable: API_ERROR.internal,
} as const satisfies Record<FaultKind, ApiError>;

/** Codes for which the server API has a word of its own. */
const BY_CODE: Partial<Record<FaultCode, ApiError>> = {
  channel_unknown: API_ERROR.unknownChannel,
  feature_unavailable: API_ERROR.notAvailable,
  method_unavailable: API_ERROR.notAvailable,
  position_unrecoverable: API_ERROR.unrecoverablePosition,
};

const STATUS: Readonly<Record<number, number>> = {
  [API_ERROR.unknownChannel.code]: 404,
  [API_ERROR.notFound.code]: 404,
  [API_ERROR.badRequest.code]: 400,
  [API_ERROR.notAvailable.code]: 400,
  [API_ERROR.unrecoverablePosition.code]: 416,
  [API_ERROR.conflict.code]: 409,
};

/** The HTTP status of an error, for backends that want one. */
export function statusOf({ code }: ApiError): number {
  return STATUS[code] ?? 500;
}

/** Turns what a call threw into its answer, and logs it; a bug says nothing of itself. */
export function toApiError(error: unknown, method: string, log: Log): ApiError {
  if (!(error instanceof Fault)) {
    log.error("http.bug", { method, error });
    return API_ERROR.internal;
  }
  const { code, kind, detail } = error;
  if (kind === "unavailable") logTrouble(error, log, { method });
  else log.info("api.refused", { method, code, detail });
  const answer = BY_CODE[code] ?? BY_KIND[kind];
  return answer === API_ERROR.badRequest && detail !== undefined ? { ...answer, detail } : answer;
}
