import type { LIMITS } from "../core/limits.ts";
import type { FileConfig } from "./schema.ts";

/** The limits of a file, under the names of `LIMITS`. */
export function toLimits(limits: FileConfig["limits"]) {
  return {
    clientsMax: limits.clients_max,
    clientsPerUser: limits.clients_per_user,
    clientsPerAddress: limits.clients_per_address,
    connectionsPerAddressPerSecond: limits.connections_per_address_per_second,
    connectionsPerAddressBurst: limits.connections_per_address_burst,
    channelsPerClient: limits.channels_per_client,
    channelMaxChars: limits.channel_max_chars,
    commandsPerSecond: limits.commands_per_second,
    commandsBurst: limits.commands_burst,
    commandsPerUserPerSecond: limits.commands_per_user_per_second,
    commandsPerUserBurst: limits.commands_per_user_burst,
    postsPerDevicePerSecond: limits.posts_per_device_per_second,
    postsPerDeviceBurst: limits.posts_per_device_burst,
    requestsPerKeyPerSecond: limits.requests_per_key_per_second,
    requestsPerKeyBurst: limits.requests_per_key_burst,
    failuresPerAddressPerSecond: limits.failures_per_address_per_second,
    failuresPerAddressBurst: limits.failures_per_address_burst,
    frameMaxBytes: limits.frame_max_bytes,
    queueMaxBytes: limits.queue_max_bytes,
    recoveryMaxPublications: limits.recovery_max_publications,
    recoveryMaxBytes: limits.recovery_max_bytes,
    eventMaxBytes: limits.event_max_bytes,
    bodyMaxBytes: limits.body_max_bytes,
    eventsPerPost: limits.events_per_post,
    ndjsonMaxBytes: limits.ndjson_max_bytes,
    greetingTimeoutMs: limits.greeting_timeout,
    pingIntervalMs: limits.ping_interval,
    pongTimeoutMs: limits.pong_timeout,
    bodyTimeoutMs: limits.body_timeout,
    drainSpreadMs: limits.drain_spread,
    drainPace: limits.drain_pace,
    drainTimeoutMs: limits.drain_timeout,
  } satisfies Partial<Record<keyof typeof LIMITS, number>>;
}
