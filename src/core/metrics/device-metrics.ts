import { counter, gauge } from "./describe.ts";

/** Of devices, what they post and what they are told. */
export const DEVICE_METRICS = {
  posthorn_devices: gauge("Registered devices"),
  posthorn_devices_online: gauge("Devices that count as online"),
  posthorn_device_connections: gauge("Streams and sockets that devices hold open"),
  posthorn_device_events_total: counter(
    "Events that devices posted, by what came of them",
    "result",
  ),
  posthorn_own_events_total: counter(
    "Events that Posthorn published itself: each step of a command, of the presence and of the state",
    "type",
  ),
  posthorn_commands: gauge("Commands that have no end yet", "status"),
  posthorn_command_oldest_seconds: gauge(
    "Age of the oldest command that waits for its device; 0 when none waits",
  ),
  posthorn_wake_ups_total: counter(
    "Pushes that were to wake a device, by provider and outcome",
    "provider",
    "outcome",
  ),
} as const;
