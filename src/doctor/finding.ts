/** "error": something does not work. "warning": it fails for some, or soon. */
export type Severity = "ok" | "warning" | "error";

/** What a finding is about, in the order in which a visit looks at things. */
export const AREAS = [
  "visit",
  "network",
  "tls",
  "front",
  "websocket",
  "device",
  "backend",
  "config",
  "machine",
  "store",
] as const;

export type Area = (typeof AREAS)[number];

const FINDINGS = {
  time_up: ["visit", "error"],

  name_found: ["network", "ok"],
  name_missing: ["network", "error"],
  name_private: ["network", "warning"],
  port_open: ["network", "ok"],
  port_closed: ["network", "error"],
  address_closed: ["network", "warning"],

  tls_absent: ["tls", "warning"],
  tls_forgotten: ["tls", "error"],
  tls_failed: ["tls", "error"],
  tls_versions: ["tls", "ok"],
  tls_old: ["tls", "warning"],
  tls_12_missing: ["tls", "warning"],
  chain_complete: ["tls", "ok"],
  chain_hidden: ["tls", "ok"],
  chain_incomplete: ["tls", "error"],
  chain_order: ["tls", "error"],
  issuer_expired: ["tls", "warning"],
  certificate_valid: ["tls", "ok"],
  certificate_expired: ["tls", "error"],
  certificate_expiring: ["tls", "warning"],
  certificate_premature: ["tls", "error"],
  certificate_self_signed: ["tls", "error"],
  certificate_too_long: ["tls", "warning"],
  name_covered: ["tls", "ok"],
  name_uncovered: ["tls", "error"],
  key_weak: ["tls", "error"],
  root_known: ["tls", "ok"],
  root_named: ["tls", "ok"],
  root_unknown: ["tls", "error"],
  root_young: ["tls", "warning"],

  posthorn_found: ["front", "ok"],
  posthorn_missing: ["front", "error"],
  posthorn_unready: ["front", "error"],
  http_missing: ["front", "error"],
  http2_only: ["front", "error"],
  front_named: ["front", "ok"],
  front_none: ["front", "ok"],
  clock_right: ["front", "ok"],
  clock_skewed: ["front", "warning"],
  plain_closed: ["front", "ok"],
  plain_redirects: ["front", "ok"],
  plain_open: ["front", "warning"],

  socket_greeted: ["websocket", "ok"],
  socket_answered: ["websocket", "ok"],
  socket_turned_away: ["websocket", "ok"],
  socket_refused: ["websocket", "error"],
  socket_blocked: ["websocket", "error"],
  socket_failed: ["websocket", "error"],
  socket_dumb: ["websocket", "error"],
  pong_came: ["websocket", "ok"],
  pong_missing: ["websocket", "warning"],
  signed_in: ["websocket", "ok"],
  sign_in_refused: ["websocket", "error"],
  headers_kept: ["websocket", "ok"],
  connection_lost: ["websocket", "warning"],
  host_lost: ["websocket", "warning"],
  subprotocol_kept: ["websocket", "ok"],
  subprotocol_lost: ["websocket", "warning"],
  subprotocol_foreign: ["websocket", "warning"],
  page_refused: ["websocket", "ok"],
  page_let_in: ["websocket", "warning"],
  mini_program_let_in: ["websocket", "ok"],
  mini_program_refused: ["websocket", "error"],
  idle_skipped: ["websocket", "ok"],
  idle_kept: ["websocket", "ok"],
  idle_cut: ["websocket", "error"],
  idle_closed: ["websocket", "warning"],

  event_stored: ["device", "ok"],
  event_refused: ["device", "error"],
  poll_held: ["device", "ok"],
  poll_brought: ["device", "ok"],
  poll_cut: ["device", "error"],
  poll_refused: ["device", "error"],

  api_answered: ["backend", "ok"],
  api_refused: ["backend", "error"],

  check_passed: ["config", "ok"],
  check_warned: ["config", "warning"],
  check_failed: ["config", "error"],
  public_url_missing: ["config", "warning"],
  secrets_apart: ["config", "ok"],
  secrets_shared: ["config", "warning"],
  secret_simple: ["config", "warning"],
  config_private: ["config", "ok"],
  config_exposed: ["config", "warning"],

  disk_roomy: ["machine", "ok"],
  disk_small: ["machine", "warning"],
  disk_full: ["machine", "error"],
  files_enough: ["machine", "ok"],
  files_few: ["machine", "warning"],
  clock_wrong: ["machine", "error"],
  clock_kept: ["machine", "ok"],
  clock_unkept: ["machine", "warning"],
  environment_clean: ["machine", "ok"],
  environment_odd: ["machine", "warning"],
  handover_kept: ["machine", "ok"],
  handover_resets: ["machine", "warning"],

  data_exposed: ["store", "warning"],
  store_unwritable: ["store", "error"],
  store_none: ["store", "ok"],
  store_served: ["store", "ok"],
  store_free: ["store", "ok"],
  store_sound: ["store", "ok"],
  store_damaged: ["store", "error"],
  store_large: ["store", "ok"],
} as const satisfies Record<string, readonly [Area, Severity]>;

/** Stable name of a finding. Scripts read it: add codes, never rename one. */
export type FindingCode = keyof typeof FINDINGS;

/** The codes of one severity. */
export type CodesOf<S extends Severity> = {
  readonly [Code in FindingCode]: (typeof FINDINGS)[Code][1] extends S ? Code : never;
}[FindingCode];

/** A word that each language writes in its own way. */
export interface Word {
  readonly word: string;
}

/** What a finding's texts are completed with. */
export type Values = Readonly<Record<string, string | number | Word>>;

/** One thing that a visit found. */
export interface Finding {
  readonly code: FindingCode;
  readonly area: Area;
  readonly severity: Severity;
  readonly values: Values;
}

/** Makes a finding; its texts are in the catalogues. */
export function finding(code: FindingCode, values: Values = {}): Finding {
  const [area, severity] = FINDINGS[code];
  return { code, area, severity, values };
}

/** A finding by a condition: none or one. */
export function findingIf(condition: boolean, code: FindingCode, values: Values = {}): Finding[] {
  return condition ? [finding(code, values)] : [];
}
