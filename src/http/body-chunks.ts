import { Fault } from "../core/faults.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";

/** How long a sender may take, for a body or for each part of it. */
export class Deadline implements Disposable {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #cancel: Cancel = () => undefined;
  #late: Fault | undefined;
  #onLate: (late: Fault) => void = () => undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.renew();
  }

  /**
   * Settles as `work` does, or rejects with `body_timeout` if the time is up before. One at a time.
   * Not by a race with one promise for all: it would keep what each of them resolved to, and so the
   * whole body in memory.
   */
  race<T>(work: Promise<T>): Promise<T> {
    if (this.#late !== undefined) return Promise.reject(this.#late);
    return new Promise((resolve, reject) => {
      this.#onLate = reject;
      work.then(resolve, reject);
    });
  }

  /** Gives the whole time again. */
  renew(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#timeoutMs, () => {
      const detail = `nothing complete came within ${this.#timeoutMs} ms, wanted it sooner`;
      this.#late = new Fault("body_timeout", { detail });
      this.#onLate(this.#late);
    });
  }

  /** What takes time from now on is not the sender's fault. */
  stop(): void {
    this.#cancel();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}

/** What one body may weigh and how long its sender may take. */
export interface Reading {
  readonly maxBytes: number;
  readonly deadline: Deadline;
}

/** The body as it comes; throws a {@link Fault} when it is too large, too slow or breaks off. */
export async function* bodyChunks(
  request: Request,
  { maxBytes, deadline }: Reading,
): AsyncGenerator<Uint8Array> {
  const declaredBytes = Number(request.headers.get("content-length") ?? 0);
  if (declaredBytes > maxBytes) throw tooLarge(declaredBytes, maxBytes);
  const reader = request.body?.getReader();
  if (reader === undefined) return;
  let bytes = 0;
  while (true) {
    const { done, value } = await deadline.race(read(reader));
    if (done) return;
    bytes += value.byteLength;
    if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
    yield value;
  }
}

/** The refusal of a body that weighs too much. */
export function tooLarge(foundBytes: number, maxBytes: number): Fault {
  const detail = `got ${foundBytes} bytes or more, at most ${maxBytes} are allowed, also when unpacked`;
  return new Fault("body_too_large", { detail });
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it ended before it was complete", cause });
  }
}
