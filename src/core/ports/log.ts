/** Every event the server logs. Closed, so that names stay stable for whoever parses the lines. */
export type LogEvent =
  | "api.called"
  | "api.refused"
  | "client.channels_full"
  | "client.connected"
  | "client.disconnected"
  | "client.message"
  | "client.refused"
  | "client.slow"
  | "client.subscribed"
  | "device.added"
  | "device.enrolled"
  | "commands.failed"
  | "device.connected"
  | "device.disconnected"
  | "device.posted"
  | "device.refused"
  | "device.removed"
  | "device.rotated"
  | "handshake.failed"
  | "handshake.odd"
  | "http.bug"
  | "http.refused"
  | "http.unavailable"
  | "keys.failed"
  | "keys.missing"
  | "keys.loaded"
  | "presence.failed"
  | "push.delayed"
  | "push.dropped"
  | "push.gave_up"
  | "push.refused"
  | "push.sent"
  | "push.stopped"
  | "push.token_dead"
  | "server.draining"
  | "server.insecure"
  | "server.listening"
  | "server.stopped"
  | "sessions.unkept"
  | "store.failed"
  | "store.opened"
  | "store.recovered"
  | "task.failed"
  | "tls.finding"
  | "tls.loaded"
  | "tls.reload_failed"
  | "webhook.dead"
  | "webhook.delivered"
  | "webhook.disabled"
  | "webhook.enabled"
  | "webhook.failed"
  | "webhook.forgotten"
  | "webhook.full"
  | "webhook.replayed"
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
