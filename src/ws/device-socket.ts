import { withJitter } from "../core/backoff.ts";
import type { CommandRecord } from "../core/command.ts";
import type { ReceiverEnd, ReceiverSink } from "../core/command-receiver.ts";
import type { CommandReceivers, OpenReceiver } from "../core/command-receivers.ts";
import type { CommandReceiving } from "../core/command-receiving.ts";
import { detach } from "../core/detach.ts";
import type { Admission } from "../core/device-admission.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { HostSocket, SocketHandler } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import type { StateOffer } from "../core/state-offers.ts";
import {
  DISCONNECT,
  type Disconnect,
  drainingDisconnect,
  FRAME_TOO_LARGE,
} from "../protocol/codes.ts";
import {
  commandFrame,
  type DeviceFrame,
  decodeDeviceFrame,
  replyFrame,
  stateFrame,
} from "../protocol/device-frame.ts";
import { isTooLarge } from "./frame-size.ts";
import type { OpenConnections } from "./open-connections.ts";

export interface DeviceSocketServices {
  readonly receiving: Pick<CommandReceiving, "ack" | "settle">;
  readonly receivers: Pick<CommandReceivers, "open">;
  readonly connections: OpenConnections;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly nativePing: boolean;
  readonly limits: { readonly drainSpreadMs: number };
}

/** The device, and its address as the handshake showed it. */
export interface DevicePeer {
  readonly admission: Admission;
  readonly remoteAddress: string;
}

/** Feeds a device whose handshake has proved who it is, and hears what it says. */
export function handleDeviceSocket(
  peer: DevicePeer,
  services: DeviceSocketServices,
): SocketHandler {
  let session: DeviceSession | undefined;
  const { connections, log } = services;
  const { remoteAddress: address } = peer;
  const { id: device } = peer.admission;
  return {
    open(socket) {
      connections.opened(address);
      log.info("device.connected", { device, transport: "websocket", address });
      session = new DeviceSession(peer.admission, socket, services);
      session.begin();
    },
    message: (text) => session?.hear(text),
    pong: () => session?.heard(),
    close(code, reason) {
      session?.gone();
      connections.closed(address);
      log.info("device.disconnected", { device, transport: "websocket", code, reason });
    },
  };
}

const DISCONNECT_BY_END = {
  failed: DISCONNECT.internal,
  slow: DISCONNECT.slow,
  // It may come again, as after any other sign of life that did not come.
  unanswered: { ...DISCONNECT.noPong, reason: "commands unanswered" },
  replaced: DISCONNECT.replaced,
  dismissed: DISCONNECT.force,
} as const satisfies Record<Exclude<ReceiverEnd, "draining">, Disconnect>;

class DeviceSession implements ReceiverSink {
  readonly #admission: Admission;
  readonly #socket: HostSocket;
  readonly #services: DeviceSocketServices;
  #receiver: OpenReceiver | undefined;
  #cancelTimer: Cancel = () => undefined;
  #pongOverdue: Cancel | undefined;
  #framesUnderWay = 0;
  #isOver = false;

  constructor(admission: Admission, socket: HostSocket, services: DeviceSocketServices) {
    this.#admission = admission;
    this.#socket = socket;
    this.#services = services;
  }

  begin(): void {
    const { receivers, clock, entropy, nativePing } = this.#services;
    try {
      this.#receiver = receivers.open(this.#admission, this);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#disconnect(DISCONNECT.tooManyRequests);
      return;
    }
    // Where it cannot be asked whether it is there, its coming again has to say so.
    this.#cancelTimer = nativePing
      ? clock.every(LIMITS.pingIntervalMs, () => this.#ping())
      : clock.after(withJitter(LIMITS.deviceStreamMs, entropy.fraction()), () =>
          this.#disconnect(drainingDisconnect(LIMITS.deviceStreamRetryMs)),
        );
  }

  hear(text: string | undefined): void {
    this.heard();
    if (this.#isOver) return;
    if (text === undefined) {
      this.#disconnect(DISCONNECT.binaryFrame);
    } else if (isTooLarge(text, LIMITS.deviceFrameMaxBytes)) {
      this.#disconnect(FRAME_TOO_LARGE);
    } else if (this.#framesUnderWay >= LIMITS.deviceFramesAtATime) {
      this.#disconnect(DISCONNECT.tooManyRequests);
    } else {
      this.#obey(text);
    }
  }

  /** Whatever arrives proves that somebody is there. */
  heard(): void {
    this.#pongOverdue?.();
    this.#pongOverdue = undefined;
  }

  gone(): void {
    this.#isOver = true;
    this.heard();
    this.#cancelTimer();
    this.#receiver?.close();
  }

  /** What it has to take is bounded by what may be in flight, and checked with each frame. */
  isReady(): boolean {
    return !this.#isOver;
  }

  deliver(command: CommandRecord): void {
    this.#send(commandFrame(command));
  }

  offer(offer: StateOffer): void {
    this.#send(stateFrame(offer));
  }

  end(why: ReceiverEnd): void {
    const { entropy, limits } = this.#services;
    this.#disconnect(
      why === "draining"
        ? drainingDisconnect(Math.round(entropy.fraction() * limits.drainSpreadMs))
        : DISCONNECT_BY_END[why],
    );
  }

  #obey(text: string): void {
    const frame = this.#decode(text);
    if (frame === undefined) return;
    this.#framesUnderWay += 1;
    detach(this.#services.log, "device.frame", async () => {
      try {
        await this.#act(frame);
        this.#send(replyFrame(frame.ref));
      } catch (error) {
        this.#refuse(frame, error);
      } finally {
        this.#framesUnderWay -= 1;
      }
    });
  }

  #decode(text: string): DeviceFrame | undefined {
    try {
      return decodeDeviceFrame(text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { id: device } = this.#admission;
      this.#services.log.info("device.refused", { device, code: error.code, why: error.message });
      this.#disconnect(DISCONNECT.badRequest);
      return undefined;
    }
  }

  async #act(frame: DeviceFrame): Promise<void> {
    const { receiving } = this.#services;
    const { id: device } = this.#admission;
    if ("fault" in frame) throw frame.fault;
    if ("ack" in frame) await receiving.ack(device, frame.ack);
    else await receiving.settle(device, frame.command, frame.result);
  }

  #refuse({ ref }: DeviceFrame, error: unknown): void {
    if (error instanceof Fault) {
      this.#send(replyFrame(ref, error));
      return;
    }
    this.#disconnect(DISCONNECT.internal);
    throw error;
  }

  #ping(): void {
    this.#socket.ping();
    this.#pongOverdue ??= this.#services.clock.after(LIMITS.pongTimeoutMs, () =>
      this.#disconnect(DISCONNECT.noPong),
    );
  }

  #send(frame: string): void {
    if (this.#isOver) return;
    const isFull = this.#socket.bufferedBytes() > LIMITS.deviceQueueMaxBytes;
    if (isFull || this.#socket.send(frame) === "dropped") this.#disconnect(DISCONNECT.slow);
  }

  #disconnect({ code, reason }: Disconnect): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // At once: until the peer is gone, a command must not find this one.
    this.#receiver?.close();
    const socket = this.#socket;
    // A peer that reads nothing never answers the closing handshake.
    this.#services.clock.after(LIMITS.closeGraceMs, () => socket.terminate());
    socket.close(code, reason);
  }
}
