import { Fault, type FaultCode, type FaultKind } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log, LogFields } from "../core/ports/log.ts";

const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  missing: 404,
  conflict: 409,
  too_large: 413,
  busy: 429,
  unavailable: 503,
} as const satisfies Record<FaultKind, number>;

/** Codes whose status is more precise than their kind's. */
const STATUS_BY_CODE: Partial<Record<FaultCode, number>> = {
  encoding_unsupported: 415,
  http_method_wrong: 405,
};

/** The server does what it was told to when it refuses with these: nothing is wrong with it. */
const WANTED: ReadonlySet<FaultCode> = new Set(["clients_full", "draining"]);

const RETRY_AFTER_SECONDS = 1;

/** The one place where a thrown value becomes an HTTP answer (RFC 9457). */
export function toProblem(error: unknown, clock: Clock, log: Log): Response {
  if (!(error instanceof Fault)) {
    log.error("http.bug", { error });
    return problem({ status: 500, code: "internal", title: "Cannot complete request" }, clock);
  }
  const status = STATUS_BY_CODE[error.code] ?? STATUS[error.kind];
  const { code, title, detail } = error;
  if (error.kind === "unavailable") logTrouble(error, log);
  else log.info("http.refused", { status, code, why: error.message });
  return problem({ status, code, title, ...(detail !== undefined && { detail }) }, clock);
}

/** Logs what keeps the server from its work. Its code says where, so there is no stack to look at. */
export function logTrouble(fault: Fault, log: Log, fields: LogFields = {}): void {
  if (WANTED.has(fault.code)) return;
  const { code, message, cause } = fault;
  log.error("http.unavailable", {
    ...fields,
    code,
    why: message,
    ...(cause !== undefined && { cause: String(cause) }),
  });
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
}

function problem({ status, code, title, detail }: Problem, clock: Clock): Response {
  const body = { type: "about:blank", title, status, code, detail, server_time: clock.nowMs() };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(status === 401 && { "www-authenticate": 'Bearer realm="posthorn"' }),
      ...((status === 429 || status === 503) && { "retry-after": String(RETRY_AFTER_SECONDS) }),
    },
  });
}
