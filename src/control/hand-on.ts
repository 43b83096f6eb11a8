import type { Clock } from "../core/ports/clock.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import type { ControlChannel, ControlMessage } from "./control-channel.ts";

/** A request as it crosses from one process to the other. */
export interface HandedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Base64. */
  readonly body: string;
  readonly address: string;
  readonly isCertified: boolean;
}

export interface HandedResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Base64. */
  readonly body: string;
}

/** Asks the process at the other end what it answers to requests. */
export class HandingOn {
  readonly #channel: ControlChannel;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, (response: HandedResponse | undefined) => void>();
  #nextId = 1;

  constructor(channel: ControlChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** How many are not answered yet. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  /** Undefined when there is no room, no answer in time or nobody any more. */
  async ask(request: HandedRequest): Promise<HandedResponse | undefined> {
    if (this.#channel.isClosed || this.#waiting.size >= TAKEOVER_LIMITS.handedOnAtATime)
      return undefined;
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<HandedResponse | undefined>();
    this.#waiting.set(id, resolve);
    const cancel = this.#clock.after(TAKEOVER_LIMITS.handedOnTimeoutMs, () => resolve(undefined));
    this.#channel.send({ type: "request", id, request });
    try {
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(id);
    }
  }

  /** Takes a message of type "response". */
  answered({ id, response }: ControlMessage): void {
    this.#waiting.get(Number(id))?.(response as HandedResponse | undefined);
  }

  /** The other process is gone. */
  abandon(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
  }
}
