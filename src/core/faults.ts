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
  secret_missing: { kind: "unauthenticated", text: "Cannot accept device" },
  secret_wrong: { kind: "unauthenticated", text: "Cannot accept device" },
  token_invalid: { kind: "unauthenticated", text: "Cannot accept token" },
  token_expired: { kind: "unauthenticated", text: "Cannot accept token" },
  subscription_token_mismatch: { kind: "unauthenticated", text: "Cannot accept token" },
  token_keys_unreachable: { kind: "unavailable", text: "Cannot check token" },
  backend_unreachable: { kind: "unavailable", text: "Cannot ask backend" },
  backend_busy: { kind: "busy", text: "Cannot ask backend" },
  address_missing: { kind: "invalid", text: "Cannot find clients" },
  glob_malformed: { kind: "invalid", text: "Cannot use pattern" },
  api_key_missing: { kind: "unauthenticated", text: "Cannot accept backend" },
  api_key_wrong: { kind: "unauthenticated", text: "Cannot accept backend" },
  api_request_invalid: { kind: "invalid", text: "Cannot do what the backend asks" },
  certificate_unusable: { kind: "invalid", text: "Cannot use certificate" },
  config_invalid: { kind: "invalid", text: "Cannot use configuration" },
  draining: { kind: "unavailable", text: "Cannot start new work" },
  store_missing: { kind: "missing", text: "Cannot find store" },
  store_failed: { kind: "unavailable", text: "Cannot store" },
  store_busy: { kind: "busy", text: "Cannot queue for the store" },
} as const satisfies Record<string, { kind: FaultKind; text: string }>;

/** Stable identifier of a fault. Public API: add codes, never rename one. */
export type FaultCode = keyof typeof FAULTS;

export interface FaultOptions extends ErrorOptions {
  /** What was found and, where it helps, what was wanted. Shown to the caller. */
  readonly detail?: string;
}

/** An expected refusal, safe to show to the caller it concerns. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly detail: string | undefined;

  constructor(code: FaultCode, options: FaultOptions = {}) {
    const { text } = FAULTS[code];
    super(options.detail ? `${text}: ${options.detail}` : text, options);
    this.code = code;
    this.detail = options.detail;
  }

  get kind(): FaultKind {
    return FAULTS[this.code].kind;
  }

  /** What could not be done, without the detail. */
  get title(): string {
    return FAULTS[this.code].text;
  }
}
