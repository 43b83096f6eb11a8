/** How a caller should take a refusal. Each edge maps every kind to its own status or code. */
export type FaultKind =
  | "invalid"
  | "unauthenticated"
  | "denied"
  | "missing"
  | "conflict"
  | "too_large"
  | "busy"
  | "unavailable";

const FAULTS = {
  handshake_refused: { kind: "invalid", text: "Cannot open websocket" },
  handshake_malformed: { kind: "invalid", text: "Cannot open websocket" },
  upgrade_missing: { kind: "invalid", text: "Cannot open websocket" },
  version_unsupported: { kind: "invalid", text: "Cannot open websocket" },
  websocket_expected: { kind: "invalid", text: "Cannot answer without a websocket" },
  origin_denied: { kind: "denied", text: "Cannot let page connect" },
  connect_missing: { kind: "invalid", text: "Cannot connect" },
  node_unknown: { kind: "missing", text: "Cannot find node" },
  host_invalid: { kind: "invalid", text: "Cannot use Host header" },
  http_method_wrong: { kind: "invalid", text: "Cannot use HTTP method" },
  path_unknown: { kind: "missing", text: "Cannot find path" },
  body_malformed: { kind: "invalid", text: "Cannot parse body" },
  body_too_large: { kind: "too_large", text: "Cannot accept body" },
  body_timeout: { kind: "invalid", text: "Cannot wait for body" },
  clients_full: { kind: "unavailable", text: "Cannot hold more clients" },
  connections_exceeded: { kind: "busy", text: "Cannot hold more clients of this address" },
  connection_rate_exceeded: { kind: "busy", text: "Cannot let address connect so often" },
  encoding_unsupported: { kind: "invalid", text: "Cannot decode body" },
  event_invalid: { kind: "invalid", text: "Cannot accept event" },
  post_rate_exceeded: { kind: "busy", text: "Cannot accept posts so often" },
  api_rate_exceeded: { kind: "busy", text: "Cannot answer backend so often" },
  credentials_rate_exceeded: { kind: "busy", text: "Cannot check credentials so often" },
  event_type_reserved: { kind: "denied", text: "Cannot use event type" },
  frame_malformed: { kind: "invalid", text: "Cannot parse frame" },
  channel_malformed: { kind: "invalid", text: "Cannot parse channel" },
  channel_unknown: { kind: "missing", text: "Cannot find namespace" },
  channel_taken: { kind: "conflict", text: "Cannot subscribe twice" },
  channels_exceeded: { kind: "too_large", text: "Cannot subscribe to more channels" },
  commands_exceeded: { kind: "busy", text: "Cannot run more commands" },
  channel_denied: { kind: "denied", text: "Cannot use channel" },
  filter_invalid: { kind: "invalid", text: "Cannot use tags filter" },
  data_missing: { kind: "invalid", text: "Cannot publish nothing" },
  history_invalid: { kind: "invalid", text: "Cannot read history" },
  feature_unavailable: { kind: "denied", text: "Cannot use what the channel does not keep" },
  method_unknown: { kind: "missing", text: "Cannot find method" },
  override_malformed: { kind: "invalid", text: "Cannot use override" },
  method_unavailable: { kind: "missing", text: "Cannot use method" },
  position_unrecoverable: { kind: "missing", text: "Cannot recover position" },
  device_malformed: { kind: "invalid", text: "Cannot parse device id" },
  device_name_malformed: { kind: "invalid", text: "Cannot use device name" },
  device_unknown: { kind: "missing", text: "Cannot find device" },
  device_exists: { kind: "conflict", text: "Cannot add device" },
  device_meta_invalid: { kind: "invalid", text: "Cannot use device meta" },
  device_meta_too_large: { kind: "too_large", text: "Cannot keep device meta" },
  device_invalid: { kind: "invalid", text: "Cannot use device" },
  device_enrolled: { kind: "conflict", text: "Cannot enroll device" },
  devices_full: { kind: "conflict", text: "Cannot add device" },
  enrollment_unavailable: { kind: "denied", text: "Cannot enroll device" },
  enrollment_rate_exceeded: { kind: "busy", text: "Cannot enroll device" },
  fleet_key_wrong: { kind: "unauthenticated", text: "Cannot enroll device" },
  push_invalid: { kind: "invalid", text: "Cannot use push target" },
  bindings_full: { kind: "conflict", text: "Cannot bind device" },
  binding_unknown: { kind: "missing", text: "Cannot find binding" },
  binding_invalid: { kind: "invalid", text: "Cannot bind device" },
  event_id_reused: { kind: "conflict", text: "Cannot accept event" },
  key_in_flight: { kind: "conflict", text: "Cannot answer yet" },
  webhook_unknown: { kind: "missing", text: "Cannot find webhook" },
  dead_letter_unknown: { kind: "missing", text: "Cannot find dead letter" },
  replay_invalid: { kind: "invalid", text: "Cannot replay" },
  outbox_full: { kind: "busy", text: "Cannot replay" },
  rpc_invalid: { kind: "invalid", text: "Cannot call method" },
  query_invalid: { kind: "invalid", text: "Cannot use query" },
  command_denied: { kind: "denied", text: "Cannot send command" },
  device_denied: { kind: "denied", text: "Cannot look at device" },
  command_invalid: { kind: "invalid", text: "Cannot accept command" },
  command_unknown: { kind: "missing", text: "Cannot find command" },
  command_key_taken: { kind: "conflict", text: "Cannot queue command" },
  command_queue_full: { kind: "busy", text: "Cannot queue command" },
  command_undelivered: { kind: "conflict", text: "Cannot change command" },
  command_leased: { kind: "conflict", text: "Cannot change command" },
  command_acked: { kind: "conflict", text: "Cannot change command" },
  command_settled: { kind: "conflict", text: "Cannot change command" },
  result_invalid: { kind: "invalid", text: "Cannot accept result" },
  state_invalid: { kind: "invalid", text: "Cannot change state" },
  state_conflict: { kind: "conflict", text: "Cannot change state" },
  state_too_large: { kind: "too_large", text: "Cannot change state" },
  waiters_exceeded: { kind: "busy", text: "Cannot hold another waiting request" },
  secret_missing: { kind: "unauthenticated", text: "Cannot accept device" },
  secret_wrong: { kind: "unauthenticated", text: "Cannot accept device" },
  token_invalid: { kind: "unauthenticated", text: "Cannot accept token" },
  token_expired: { kind: "unauthenticated", text: "Cannot accept token" },
  ticket_refused: { kind: "unauthenticated", text: "Cannot accept ticket" },
  ticket_invalid: { kind: "invalid", text: "Cannot make ticket" },
  tickets_full: { kind: "busy", text: "Cannot make ticket" },
  login_unknown: { kind: "missing", text: "Cannot find login" },
  login_invalid: { kind: "invalid", text: "Cannot log in" },
  login_code_invalid: { kind: "unauthenticated", text: "Cannot log in" },
  login_code_used: { kind: "unauthenticated", text: "Cannot log in" },
  login_user_blocked: { kind: "denied", text: "Cannot log in" },
  login_rate_exceeded: { kind: "busy", text: "Cannot log in so often" },
  login_busy: { kind: "busy", text: "Cannot log in" },
  login_unavailable: { kind: "unavailable", text: "Cannot ask login provider" },
  login_failed: { kind: "unavailable", text: "Cannot understand login provider" },
  session_invalid: { kind: "unauthenticated", text: "Cannot accept session" },
  session_expired: { kind: "unauthenticated", text: "Cannot accept session" },
  subscription_token_mismatch: { kind: "unauthenticated", text: "Cannot accept token" },
  token_keys_unreachable: { kind: "unavailable", text: "Cannot check token" },
  backend_unreachable: { kind: "unavailable", text: "Cannot ask backend" },
  backend_busy: { kind: "busy", text: "Cannot ask backend" },
  address_missing: { kind: "invalid", text: "Cannot find clients" },
  glob_malformed: { kind: "invalid", text: "Cannot use pattern" },
  api_key_missing: { kind: "unauthenticated", text: "Cannot accept backend" },
  metrics_key_wrong: { kind: "unauthenticated", text: "Cannot show metrics" },
  metrics_denied: { kind: "denied", text: "Cannot show metrics" },
  api_key_wrong: { kind: "unauthenticated", text: "Cannot accept backend" },
  api_request_invalid: { kind: "invalid", text: "Cannot do what the backend asks" },
  certificate_required: { kind: "denied", text: "Cannot accept device" },
  certificate_unusable: { kind: "invalid", text: "Cannot use certificate" },
  config_invalid: { kind: "invalid", text: "Cannot use configuration" },
  port_lost: { kind: "unavailable", text: "Cannot listen" },
  draining: { kind: "unavailable", text: "Cannot start new work" },
  store_missing: { kind: "missing", text: "Cannot find store" },
  store_failed: { kind: "unavailable", text: "Cannot store" },
  store_full: { kind: "unavailable", text: "Cannot store" },
  store_busy: { kind: "busy", text: "Cannot queue for the store" },
} as const satisfies Record<string, { kind: FaultKind; text: string }>;

/** Stable identifier of a fault. Public API: add codes, never rename one. */
export type FaultCode = keyof typeof FAULTS;

/** All of them, for whoever documents them. */
export const FAULT_CODES = Object.keys(FAULTS) as readonly FaultCode[];

export interface FaultOptions extends ErrorOptions {
  /** What was found and, where it helps, what was wanted. Shown to the caller. */
  readonly detail?: string;
  /** The caller's own name for what was refused, where it was one of many. */
  readonly subject?: string | undefined;
}

/** An expected refusal, safe to show to the caller it concerns. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly detail: string | undefined;
  readonly subject: string | undefined;

  constructor(code: FaultCode, options: FaultOptions = {}) {
    const { text } = FAULTS[code];
    super(options.detail ? `${text}: ${options.detail}` : text, options);
    this.code = code;
    this.detail = options.detail;
    this.subject = options.subject;
  }

  get kind(): FaultKind {
    return FAULTS[this.code].kind;
  }

  /** What could not be done, without the detail. */
  get title(): string {
    return FAULTS[this.code].text;
  }
}
