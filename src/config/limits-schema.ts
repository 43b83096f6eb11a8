import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { choice, count, duration, size, unmet } from "./fields.ts";
import { formatDuration, formatSize } from "./units.ts";

const KB = 1024;
const MB = 1024 * KB;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** A device's channel can always be named: "device:" and 64 characters. */
const DEVICE_CHANNEL_MAX_CHARS = 71;

const bounds = {
  clients_max: count("clients", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.clientsMax,
    description:
      "Clients connected at a time. Never more than the limit of open files allows: when that is less, the log says so at the start.",
  }),
  clients_per_user: count("clients", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.clientsPerUser,
    description:
      "Clients one signed-in user may have connected at a time; who is not signed in is not counted. 0 sets no limit.",
  }),
  on_user_limit: choice(
    ["refuse", "replace"],
    "refuse",
    "What happens when a user has as many: refuse closes the newcomer (3504), replace closes the user's oldest client (4500).",
  ),
  clients_per_address: count("clients", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.clientsPerAddress,
    description:
      "Clients connected at a time from one IPv4 address or one IPv6 block (/64). A mobile network may put thousands of phones behind one. 0 sets no limit.",
  }),
  connections_per_address_per_second: count("connections", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.connectionsPerAddressPerSecond,
    description:
      "How often clients of one address may connect, in the long run. Above it they get 429 and try again. 0 sets no limit.",
  }),
  connections_per_address_burst: count("connections", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.connectionsPerAddressBurst,
    description: "How many clients of one address may connect at once, as after a restart.",
  }),
  channels_per_client: count("channels", {
    min: 1,
    max: 10_000,
    fallback: LIMITS.channelsPerClient,
    description: "Channels one client may be subscribed to.",
  }),
  channel_max_chars: count("characters", {
    min: DEVICE_CHANNEL_MAX_CHARS,
    max: LIMITS.channelMaxChars,
    fallback: LIMITS.channelMaxChars,
    description: "The longest name of a channel that a client may use.",
  }),
  commands_per_second: count("commands", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.commandsPerSecond,
    description:
      "How many commands one client may send, in the long run. Those above it are refused (error 111, try again); a client that sends more than twice as many is disconnected (3013).",
  }),
  commands_burst: count("commands", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.commandsBurst,
    description: "How many commands one client may send at once, as when it subscribes again.",
  }),
  commands_per_user_per_second: count("commands", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.commandsPerUserPerSecond,
    description:
      "How many commands all clients of one signed-in user may send together, in the long run. Those above it are refused (error 111, try again). 0 sets no limit.",
  }),
  commands_per_user_burst: count("commands", {
    min: 1,
    max: 10_000_000,
    fallback: LIMITS.commandsPerUserBurst,
    description:
      "How many of them may come at once, as when all of a user's clients subscribe again.",
  }),
  posts_per_device_per_second: count("posts", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.postsPerDevicePerSecond,
    description:
      "How many posts of events and changes of state one device may make, in the long run. Those above it get 429 (post_rate_exceeded); many events in one post count once. 0 sets no limit.",
  }),
  posts_per_device_burst: count("posts", {
    min: 1,
    max: 10_000_000,
    fallback: LIMITS.postsPerDeviceBurst,
    description: "How many posts one device may make at once, as after an outage.",
  }),
  requests_per_key_per_second: count("requests", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.requestsPerKeyPerSecond,
    description:
      "How many requests the backend may make with one API key, in the long run. Those above it get 429 (api_rate_exceeded). 0 sets no limit.",
  }),
  requests_per_key_burst: count("requests", {
    min: 1,
    max: 10_000_000,
    fallback: LIMITS.requestsPerKeyBurst,
    description: "How many requests with one API key may come at once.",
  }),
  failures_per_address_per_second: count("requests", {
    min: 0,
    max: 1_000_000,
    fallback: LIMITS.failuresPerAddressPerSecond,
    description:
      "How many requests with a wrong or missing device secret or API key one address may make, in the long run. Above it they get 429 (credentials_rate_exceeded), and so do API keys that never came from there before; devices with the right secret pass. 0 sets no limit.",
  }),
  failures_per_address_burst: count("requests", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.failuresPerAddressBurst,
    description: "How many of them one address may make at once.",
  }),
  frame_max_bytes: size({
    min: KB,
    max: 16 * MB,
    fallback: LIMITS.frameMaxBytes,
    description: "The largest frame a client may send.",
  }),
  queue_max_bytes: size({
    min: 64 * KB,
    max: 64 * MB,
    fallback: LIMITS.queueMaxBytes,
    description:
      "What may wait for one client that reads slowly. A client that would need more is disconnected and recovers when it is back.",
  }),
  recovery_max_publications: count("publications", {
    min: 1,
    max: 100_000,
    fallback: LIMITS.recoveryMaxPublications,
    description: "The most a client gets back of one channel when it recovers.",
  }),
  recovery_max_bytes: size({
    min: 64 * KB,
    max: 256 * MB,
    fallback: LIMITS.recoveryMaxBytes,
    description:
      "The most data (with tags and info) a client gets back in one answer, when it recovers or reads the history. Above queue_max_bytes, so that a client that was disconnected as slow can recover.",
  }),
  event_max_bytes: size({
    min: KB,
    max: 16 * MB,
    fallback: LIMITS.eventMaxBytes,
    description: "The largest event a device may post.",
  }),
  body_max_bytes: size({
    min: KB,
    max: 64 * MB,
    fallback: LIMITS.bodyMaxBytes,
    description: "The largest body of a request, after it is unpacked.",
  }),
  events_per_post: count("events", {
    min: 1,
    max: 10_000,
    fallback: LIMITS.eventsPerPost,
    description:
      "Events in one post of a device, and those of a post with one event per line that are stored at a time.",
  }),
  ndjson_max_bytes: size({
    min: KB,
    max: 100 * MB,
    fallback: LIMITS.ndjsonMaxBytes,
    description:
      "The largest post with one event per line (application/x-ndjson), after it is unpacked. It is stored in parts of at most body_max_bytes, so it costs no more memory than another post.",
  }),
  greeting_timeout: duration({
    min: 100,
    max: 5 * MINUTE_MS,
    fallback: LIMITS.greetingTimeoutMs,
    description: "How long a new connection may take to say who it is.",
  }),
  ping_interval: duration({
    min: SECOND_MS,
    max: 10 * MINUTE_MS,
    fallback: LIMITS.pingIntervalMs,
    description:
      "How often each client is pinged, in whole seconds. Mobile networks drop connections that are quiet for longer.",
  }),
  pong_timeout: duration({
    min: 100,
    max: 5 * MINUTE_MS,
    fallback: LIMITS.pongTimeoutMs,
    description: "How long a client may take to answer a ping before it counts as gone.",
  }),
  body_timeout: duration({
    min: SECOND_MS,
    max: 10 * MINUTE_MS,
    fallback: LIMITS.bodyTimeoutMs,
    description: "How long a request may take to arrive. Devices on bad mobile links are slow.",
  }),
  drain_spread: duration({
    min: 0,
    max: 10 * MINUTE_MS,
    fallback: LIMITS.drainSpreadMs,
    description: "Over how long clients are told to come back when the server shuts down.",
  }),
  drain_pace: count("clients per second", {
    min: 1,
    max: 1_000_000,
    fallback: LIMITS.drainPace,
    description:
      "How fast clients are sent away when the server shuts down or is taken over, but all of them within half of drain_timeout.",
  }),
  drain_timeout: duration({
    min: 0,
    max: 10 * MINUTE_MS,
    fallback: LIMITS.drainTimeoutMs,
    description: "How long a shutdown waits for running requests before it cuts them off.",
  }),
} as const;

/** What one caller may make the server hold, and the rules between these numbers. */
export const Limits = z.strictObject(bounds).superRefine((limits, { addIssue }) => {
  const { ping_interval, pong_timeout, event_max_bytes, body_max_bytes, queue_max_bytes } = limits;
  const { commands_burst, channels_per_client } = limits;
  // The client protocol tells clients the interval in whole seconds.
  if (ping_interval % SECOND_MS !== 0) addIssue(unmet("ping_interval", "whole seconds"));
  if (pong_timeout >= ping_interval) {
    const most = formatDuration(ping_interval);
    addIssue(unmet("pong_timeout", `less than limits.ping_interval (${most})`));
  }
  if (event_max_bytes > body_max_bytes) {
    const most = formatSize(body_max_bytes);
    addIssue(unmet("event_max_bytes", `at most limits.body_max_bytes (${most})`));
  }
  if (queue_max_bytes < event_max_bytes) {
    const least = formatSize(event_max_bytes);
    addIssue(unmet("queue_max_bytes", `at least limits.event_max_bytes (${least})`));
  }
  if (commands_burst < channels_per_client) {
    const least = `at least limits.channels_per_client (${channels_per_client})`;
    addIssue(unmet("commands_burst", least));
  }
});
