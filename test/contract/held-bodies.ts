import type { RequestInfo } from "../../src/core/ports/host.ts";

interface Held {
  readonly controller: () => ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly release: () => void;
  pulledBytes: number;
}

const CHUNK = new TextEncoder().encode(`${"x".repeat(16 * 1024 - 1)}\n`);

/** The server's side of the contract's held responses: bodies without an end, until they are told to end. */
export class HeldBodies {
  readonly #tell: (line: Readonly<Record<string, unknown>>) => void;
  readonly #held = new Map<string, Held>();

  constructor(tell: (line: Readonly<Record<string, unknown>>) => void) {
    this.#tell = tell;
  }

  /** "endless" gives a chunk whenever one is asked for, "silent" one line and then nothing. */
  open(id: string, kind: "endless" | "silent", info: RequestInfo): Response {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const held: Held = {
      controller: () => controller,
      release: info.holdOpen(),
      pulledBytes: 0,
    };
    this.#held.set(id, held);
    const body = new ReadableStream<Uint8Array>(
      {
        start: (started) => {
          controller = started;
        },
        pull: (pulled) => {
          if (kind === "silent" && held.pulledBytes > 0) return;
          const chunk = kind === "endless" ? CHUNK : new TextEncoder().encode("here\n");
          held.pulledBytes += chunk.byteLength;
          pulled.enqueue(chunk);
        },
        cancel: () => this.#tell({ kind: "cancel", id }),
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  }

  pulledBytes(id: string): number {
    return this.#held.get(id)?.pulledBytes ?? 0;
  }

  /** Says that the end is near, and ends. */
  end(id: string, kind: "endless" | "silent"): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.release();
    // An endless one goes on: whoever still reads could hide that a stalled reader is not cut off.
    if (kind === "silent") held.controller()?.close();
  }
}
