import { counter, gauge, histogram } from "./describe.ts";

/**
 * In seconds. Proxies cut what is silent for a round time, and the buckets are narrow there: 60 s
 * (nginx, most load balancers), 100 s (Cloudflare), 300 s, 350 s and 900 s (balancers of TCP).
 */
const SILENCE = [
  ...[1, 5, 10, 15, 20, 30, 45, 59, 61, 75, 90, 99, 101, 120, 180, 240, 299, 301],
  ...[349, 351, 600, 899, 901, 1800],
];

/** Of users' clients, and of what they get. */
export const CLIENT_METRICS = {
  posthorn_clients: gauge("Clients connected now", "transport", "platform"),
  posthorn_users: gauge("Users with at least one client; visitors are one together"),
  posthorn_subscriptions: gauge("Subscriptions of all clients"),
  posthorn_channels: gauge("Channels that somebody listens to"),
  posthorn_client_queue_bytes: gauge("Bytes that wait for all clients together"),
  posthorn_client_queue_max_bytes: gauge("Bytes that wait for the client with the longest queue"),
  posthorn_client_connections_total: counter("Clients that were let in", "transport"),
  posthorn_client_closes_total: counter(
    "Connections of clients that ended, by who ended them and the close code",
    "by",
    "code",
  ),
  posthorn_client_abnormal_close_silence_seconds: histogram(
    "For how long nothing was sent or heard when a client's socket broke off without a close frame (1006). A peak at a round time is a proxy's idle timeout",
    SILENCE,
  ),
  posthorn_client_evictions_total: counter("Clients sent away because they read too slowly"),
  posthorn_client_commands_total: counter("Commands of the client protocol", "method"),
  posthorn_handshakes_refused_total: counter(
    "Websocket handshakes that were malformed or misrouted, mostly by a proxy in front",
    "code",
  ),
  posthorn_handshake_oddities_total: counter(
    "Handshakes that work here although a proxy got something wrong",
    "code",
  ),
  posthorn_connections_refused_total: counter(
    "Connections refused by a limit, by their origin, or because the server shuts down",
    "code",
  ),
  posthorn_publications_total: counter("Publications handed to the fan-out"),
  posthorn_deliveries_total: counter("Publications times the subscriptions that got them"),
  posthorn_sent_frames_total: counter("Frames sent to clients, of every kind"),
  posthorn_sent_bytes_total: counter("Bytes of those frames, before compression"),
  posthorn_logins_total: counter(
    "Logins of mini-programs, by the name of the login",
    "login",
    "outcome",
  ),
  posthorn_tickets_total: counter("Tickets issued, redeemed and refused", "outcome"),
} as const;
