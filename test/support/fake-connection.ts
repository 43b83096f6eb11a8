import type { Disconnect } from "../../src/protocol/codes.ts";
import type { PushForm } from "../../src/protocol/push-frame.ts";
import type { Connection } from "../../src/ws/connection.ts";

/** A connection that remembers what it was given. */
export class FakeConnection implements Connection {
  readonly transport = "sse";
  readonly form: PushForm;
  readonly remoteAddress = "192.0.2.1";
  readonly pong = "required";
  readonly tellsPings = true;
  readonly frames: string[] = [];
  closed: Disconnect | undefined;
  /** Runs inside the next `send`, as an eviction does. */
  onSend: (() => void) | undefined;

  constructor(form: PushForm = "bidirectional") {
    this.form = form;
  }

  send(frame: string): void {
    this.frames.push(frame);
    const react = this.onSend;
    this.onSend = undefined;
    react?.();
  }

  ping(): void {}

  close(disconnect: Disconnect): void {
    this.closed = disconnect;
  }

  queuedBytes(): number {
    return 0;
  }

  isSlow(): boolean {
    return false;
  }
}
