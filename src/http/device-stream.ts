import { withJitter } from "../core/backoff.ts";
import type { CommandReceivers, OpenReceiver } from "../core/command-receivers.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import {
  type DevicePeer,
  type DeviceSocketServices,
  handleDeviceSocket,
} from "../ws/device-socket.ts";
import { upgradesToWebsocket } from "../ws/handshake-headers.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import { admittedDevice, type DeviceAuthServices } from "./device-auth.ts";
import { DeviceEventStream } from "./device-event-stream.ts";
import { refuseHead } from "./refuse-head.ts";
import { STREAM_HEADERS } from "./stream-headers.ts";

/** What streams and sockets of devices need. */
export interface DeviceStreamServices extends DeviceAuthServices, DeviceSocketServices {
  readonly receivers: CommandReceivers;
}

/** Where a program cannot send the header Last-Event-ID, its EventSource adds this. It changes nothing. */
const STREAM_QUERY = ["lastEventId"];

/**
 * `GET /v1/devices/{id}/commands/stream`: commands as they come, as server-sent events or, where the
 * request asks for one, on a websocket. To be bound before the routes of single commands.
 */
export function bindDeviceStream(app: App, services: DeviceStreamServices): void {
  app.get("/v1/devices/:id/commands/stream", async (c) => {
    refuseHead(c);
    const admission = await admittedDevice(c, services, { holds: true, query: STREAM_QUERY });
    const peer = { admission, remoteAddress: c.env.remoteAddress };
    return upgradesToWebsocket(c.req.raw.headers)
      ? openSocket(c, peer, services)
      : openEvents(c, peer, services);
  });
}

function openSocket(c: RouteContext, peer: DevicePeer, services: DeviceStreamServices): Response {
  if (c.env.upgrade(handleDeviceSocket(peer, services), {})) return new Response();
  throw new Fault("handshake_refused", { detail: "the runtime did not accept it" });
}

function openEvents(
  c: RouteContext,
  { admission, remoteAddress: address }: DevicePeer,
  services: DeviceStreamServices,
): Response {
  const { receivers, connections, clock, entropy, log, limits } = services;
  const { id: device } = admission;
  let receiver: OpenReceiver | undefined;
  let onClosing: (() => void) | undefined;
  const stream = new DeviceEventStream({
    clock,
    lifeMs: withJitter(LIMITS.deviceStreamMs, entropy.fraction()),
    retryMs: () => Math.round(entropy.fraction() * limits.drainSpreadMs),
    onReady: () => receiver?.resume(),
    onClosing() {
      receiver?.close();
      onClosing?.();
    },
    onGone(why) {
      receiver?.close();
      connections.closed(address);
      log.info("device.disconnected", { device, transport: "sse", why });
    },
  });
  receiver = receivers.open(admission, stream);
  onClosing = c.env.holdOpen();
  connections.opened(address);
  log.info("device.connected", { device, transport: "sse", address });
  stream.start();
  return new Response(stream.body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", ...STREAM_HEADERS },
  });
}
