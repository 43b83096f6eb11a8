import type { Clock } from "../core/ports/clock.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import type { ControlChannel, ControlMessage } from "./control-channel.ts";
import type { HandedRequest, HandedResponse } from "./hand-on.ts";
import { SAYS } from "./message-types.ts";
import { nextWithin } from "./next-within.ts";

export interface TakingOver {
  readonly pid: number;
  readonly version: string;
}

/** The running server as the one sees it that takes over. Any step rejects when it goes no further. */
export class PredecessorLink {
  readonly #channel: ControlChannel;
  readonly #clock: Clock;
  readonly #self: TakingOver;

  constructor(channel: ControlChannel, { clock, ...self }: TakingOver & { readonly clock: Clock }) {
    this.#channel = channel;
    this.#clock = clock;
    this.#self = { pid: self.pid, version: self.version };
  }

  /** It sends its clients away, and goes on. */
  async prepared(): Promise<void> {
    this.#channel.send({ type: SAYS.takeover, ...this.#self });
    await this.#expect(SAYS.follow);
  }

  /** It finishes what runs and closes the store. */
  async giveStore(): Promise<void> {
    this.#channel.send({ type: SAYS.listening });
    await this.#expect(SAYS.yours);
  }

  /** Answers what it hands on; resolves when it is gone. */
  async serve(answer: (request: HandedRequest) => Promise<HandedResponse | undefined>) {
    this.#channel.send({ type: SAYS.serving });
    while (true) {
      const message = await this.#channel.next();
      if (message === undefined) return;
      if (message.type === SAYS.request) void this.#answer(message, answer);
    }
  }

  /** Another one waits to take over from us, which this one would be in the way of. */
  async leave(): Promise<void> {
    this.#channel.send({ type: SAYS.leave });
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(TAKEOVER_LIMITS.leaveMs, late.resolve);
    await Promise.race([this.#channel.closed, late.promise]);
    cancel();
  }

  async #answer(
    { id, request }: ControlMessage,
    answer: (request: HandedRequest) => Promise<HandedResponse | undefined>,
  ): Promise<void> {
    const response = await answer(request as HandedRequest).catch(() => undefined);
    this.#channel.send({ type: SAYS.response, id, response });
  }

  async #expect(type: string): Promise<void> {
    let message: ControlMessage | undefined;
    do message = await nextWithin(this.#channel, TAKEOVER_LIMITS.takeoverStepMs, this.#clock);
    while (message?.type === SAYS.leaving);
    if (message?.type === type) return;
    const why =
      message?.type === SAYS.refused ? message["why"] : "the running server did not answer";
    throw new Error(`Cannot take over: ${why}`);
  }
}
