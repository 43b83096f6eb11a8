import type { HostSocket, SendResult } from "../../src/core/ports/host.ts";

/** A socket whose other end is the test. */
export class FakeSocket implements HostSocket {
  readonly remoteAddress = "192.0.2.1";
  readonly frames: string[] = [];
  readonly topics = new Set<string>();
  closed: { readonly code: number; readonly reason: string } | undefined;
  isTerminated = false;
  pings = 0;
  buffered = 0;
  sendResult: SendResult = "sent";

  send(text: string): SendResult {
    this.frames.push(text);
    return this.sendResult;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  terminate(): void {
    this.isTerminated = true;
  }

  ping(): void {
    this.pings += 1;
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  /** Each JSON object received so far. */
  get replies(): unknown[] {
    return this.frames.flatMap((frame) => frame.split("\n").map((line) => JSON.parse(line)));
  }
}
