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
  // Whoever queues what it posts keeps it after a 408, and drops it after most others from 400 on.
  body_timeout: 408,
  encoding_unsupported: 415,
  event_id_reused: 422,
  http_method_wrong: 405,
  // The provider's trouble, and none that passes by itself.
  login_failed: 502,
  state_conflict: 412,
  store_full: 507,
};

/** The server does what it was told to when it refuses with these: nothing is wrong with it. */
const WANTED: ReadonlySet<FaultCode> = new Set(["clients_full", "draining"]);

const RETRY_AFTER_SECONDS = 1;

/** Refusals that say "not yet" have a code or one of these statuses, and tell when to come back. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 503, 507]);
const RETRIED_CODES: ReadonlySet<string> = new Set<FaultCode>(["key_in_flight"]);

/** The one place where a thrown value becomes an HTTP answer (RFC 9457). */
export function toProblem(error: unknown, clock: Clock, log: Log): Response {
  if (error instanceof Fault) return faultProblem(error, { clock, log });
  log.error("http.bug", { error });
  return problem({ status: 500, code: "internal", title: "Cannot complete request" }, clock);
}

/** The same for a request that was done in part: `members`, JSON text, tell what was done. */
export function faultProblem(
  error: Fault,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  members = "",
): Response {
  const status = STATUS_BY_CODE[error.code] ?? STATUS[error.kind];
  const { code, title, detail } = error;
  if (error.kind === "unavailable") logTrouble(error, log);
  else log.info("http.refused", { status, code, why: error.message });
  return problem({ status, code, title, members, ...(detail !== undefined && { detail }) }, clock);
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
  readonly members?: string;
}

function problem({ members = "", ...standard }: Problem, clock: Clock): Response {
  const { status, code, title, detail } = standard;
  const body = { type: "about:blank", title, status, code, detail, server_time: clock.nowMs() };
  const text = JSON.stringify(body);
  return new Response(members === "" ? text : `${text.slice(0, -1)},${members}}`, {
    status,
    headers: {
      "content-type": "application/problem+json",
      // Or else who sends slowly goes on. Not so after 413: cut off, a sender would lose the answer, and send again.
      ...(status === 408 && { connection: "close" }),
      ...(status === 401 && { "www-authenticate": 'Bearer realm="posthorn"' }),
      ...((RETRIED_STATUSES.has(status) || RETRIED_CODES.has(code)) && {
        "retry-after": String(RETRY_AFTER_SECONDS),
      }),
    },
  });
}
