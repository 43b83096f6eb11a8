/** Every event the server logs. Closed, so that names stay stable for whoever parses the lines. */
export type LogEvent =
  | "api.called"
  | "api.refused"
  | "client.connected"
  | "client.disconnected"
  | "client.message"
  | "client.refused"
  | "client.slow"
  | "client.subscribed"
  | "device.posted"
  | "device.refused"
  | "handshake.failed"
  | "handshake.odd"
  | "http.bug"
  | "http.refused"
  | "http.unavailable"
  | "keys.failed"
  | "keys.missing"
  | "keys.loaded"
  | "push.gave_up"
  | "push.token_dead"
  | "server.draining"
  | "server.insecure"
  | "server.listening"
  | "server.stopped"
  | "store.failed"
  | "store.opened"
  | "store.recovered"
  | "task.failed"
  | "tls.finding"
  | "tls.loaded"
  | "tls.reload_failed"
  | "ws.bug"
  | "ws.unavailable";

export type LogFields = Readonly<Record<string, unknown>>;

/** Where log lines go. Secrets, tokens and tickets MUST NOT be put in fields. */
export interface Log {
  debug(event: LogEvent, fields?: LogFields): void;
  info(event: LogEvent, fields?: LogFields): void;
  warn(event: LogEvent, fields?: LogFields): void;
  error(event: LogEvent, fields?: LogFields): void;
}
