import type { EventOutcome } from "../core/device-event.ts";
import type { DeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { faultProblem } from "./problem.ts";

interface Services {
  readonly clock: Clock;
  readonly log: Log;
}

/** Collects what became of the events of one request, as text: there may be many. */
export class EventReport {
  readonly #services: Services;
  readonly #texts: string[] = [];
  #stored = 0;
  #duplicates = 0;
  #refused = 0;
  #chars = 0;

  constructor(services: Services) {
    this.#services = services;
  }

  /** How many events have their outcome. */
  get count(): number {
    return this.#stored + this.#duplicates + this.#refused;
  }

  add(outcomes: readonly EventOutcome[], chars: number): void {
    this.#chars += chars;
    if (outcomes.length > 0) this.#texts.push(outcomes.map(encodeOutcome).join());
    for (const outcome of outcomes) {
      if (outcome instanceof Fault) this.#refused += 1;
      else if (outcome.duplicate) this.#duplicates += 1;
      else this.#stored += 1;
    }
  }

  /** Says what became of each event, and why there was no more to it than these. */
  answer(device: DeviceId, refusal?: Fault): Response {
    const { clock, log } = this.#services;
    if (this.count > 0) log.info("device.posted", { device, ...this.#summary() });
    const results = `"results":[${this.#texts.join()}]`;
    if (refusal !== undefined) {
      return faultProblem(refusal, this.#services, this.count > 0 ? results : "");
    }
    return new Response(`{${results},"server_time":${clock.nowMs()}}`, {
      headers: { "content-type": "application/json" },
    });
  }

  #summary() {
    return {
      stored: this.#stored,
      ...(this.#duplicates > 0 && { duplicates: this.#duplicates }),
      ...(this.#refused > 0 && { refused: this.#refused }),
      chars: this.#chars,
    };
  }
}

function encodeOutcome(outcome: EventOutcome): string {
  if (outcome instanceof Fault) {
    const { code, message, subject: id } = outcome;
    return JSON.stringify({ id, error: { code, message } });
  }
  const { id, offset, duplicate } = outcome;
  return JSON.stringify(duplicate ? { id, duplicate, offset } : { id, offset });
}
