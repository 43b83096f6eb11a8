import type { Listener, SendResult } from "../../src/core/ports/host.ts";
import type { FakeSocket } from "./fake-socket.ts";

/** Delivers what is published to a topic to every fake socket that is subscribed to it. */
export class FakeHost implements Listener {
  readonly port = 8077;
  readonly sockets = new Set<FakeSocket>();
  /** Frames by topic, each once, however many sockets got it. */
  readonly published: { readonly topic: string; readonly frame: string }[] = [];

  publish(topic: string, frame: string): SendResult {
    this.published.push({ topic, frame });
    for (const socket of this.sockets) {
      if (socket.topics.has(topic) && socket.closed === undefined) socket.frames.push(frame);
    }
    return "sent";
  }

  rebound(): void {}

  async stop(): Promise<void> {}

  closeIdle(): void {}

  openSockets(): number {
    return this.sockets.size;
  }

  closeSockets(): void {}

  async abort(): Promise<void> {}
}
