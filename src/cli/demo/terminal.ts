import type { Clock } from "../../core/ports/clock.ts";
import type { Entropy } from "../../core/ports/entropy.ts";
import { Appliance } from "./appliance.ts";
import { keepDoing } from "./keep-doing.ts";
import { type Answer, createLine, type Line, LineBroken, type LineRequest } from "./line.ts";
import { Outbox } from "./outbox.ts";
import { pause, untilAborted } from "./pause.ts";

export interface TerminalOptions {
  readonly url: string;
  readonly id: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Gets a line for each thing that it does. */
  readonly print: (text: string) => void;
  /** Switches it off. */
  readonly signal: AbortSignal;
}

/** A command as it is delivered. */
interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly attempt: number;
}

interface Polled {
  readonly commands: readonly Delivery[];
  readonly state?: {
    readonly delta: Readonly<Record<string, unknown>>;
    readonly desired_version: number;
  };
}

const READING_MS = 2_000;
const ANSWER_MAX_MS = 10_000;
const WAIT_SECONDS = 25;

/** A command of before is delivered again for as long as it lives; this many are enough for a demo. */
const OBEYED_MAX = 200;

/**
 * Is a terminal until the signal aborts, as the guide in the README says. Rejects when going on makes no
 * sense: the secret is wrong.
 */
export async function runTerminal(options: TerminalOptions): Promise<void> {
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const terminal = new DemoTerminal({ ...options, signal });
  options.print(`${options.id} is on, and calls ${options.url}`);
  const loops = terminal.loops().map((loop) => loop.finally(() => ending.abort()));
  await Promise.allSettled(loops);
  await Promise.all(loops);
  options.print(`${options.id} is off`);
}

class DemoTerminal {
  readonly #options: TerminalOptions;
  readonly #line: Line;
  readonly #outbox = new Outbox();
  readonly #appliance: Appliance;
  /** What became of commands, by id: one that is delivered again is answered again, and not obeyed. */
  readonly #obeyed = new Map<string, string>();
  #desiredVersion = -1;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#line = createLine(options);
    const lightChanged = (on: boolean) => {
      this.#say("light", { on });
      this.#outbox.addReport({ light: on });
    };
    this.#appliance = new Appliance({ ...options, lightChanged });
  }

  /** All it does at the same time. */
  loops(): readonly Promise<void>[] {
    this.#outbox.addReport(this.#appliance.state);
    const options = { ...this.#options, troubles: new Map() };
    return [
      this.#measure(),
      keepDoing(() => this.#send(), options),
      keepDoing(() => this.#fetchCommands(), options),
    ];
  }

  async #measure(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      this.#say("reading", { temperature: this.#appliance.measure() });
      await pause(READING_MS, clock, signal);
    }
  }

  #say(type: string, data: unknown): void {
    const { clock, entropy } = this.#options;
    const time = new Date(clock.nowMs()).toISOString();
    this.#outbox.addEvent({ id: entropy.uuid(), type, data, time });
  }

  /** A server that was away may have forgotten how the terminal is. */
  async #ask(request: LineRequest): Promise<Answer> {
    try {
      return await this.#line.ask(request);
    } catch (error) {
      this.#outbox.addReport(this.#appliance.state);
      throw error;
    }
  }

  /** Sends what is due; what breaks stays where it is. */
  async #send(): Promise<void> {
    const shipment = this.#outbox.next();
    if (shipment === undefined) {
      await untilAborted(this.#outbox.filled, this.#options.signal);
      return;
    }
    const { path, method, body, said, done } = shipment;
    const answer = await this.#ask({ path, method, body, timeoutMs: ANSWER_MAX_MS });
    done();
    const isTaken = answer.status === 200 && !answer.text.includes('"error":{');
    this.#options.print(isTaken ? said : `refused (${answer.status}): ${said} ${answer.text}`);
  }

  async #fetchCommands(): Promise<void> {
    const { clock, signal, print } = this.#options;
    const path = `/commands?wait=${WAIT_SECONDS}`;
    const timeoutMs = 1000 * WAIT_SECONDS + ANSWER_MAX_MS;
    const { status, text, retryAfterMs } = await this.#ask({ path, method: "GET", timeoutMs });
    if (status !== 200) {
      // Nothing came, or the server is about to restart; anything else will not change soon.
      const isEmpty = status === 204;
      if (retryAfterMs > 0) this.#outbox.addReport(this.#appliance.state);
      if (!isEmpty) print(`refused (${status}): the question for commands`);
      await pause(isEmpty ? retryAfterMs : ANSWER_MAX_MS, clock, signal);
      return;
    }
    const { commands, state } = readPolled(text);
    if (state !== undefined) this.#become(state);
    for (const command of commands) await this.#obey(command);
  }

  async #obey({ id, type, data, attempt }: Delivery): Promise<void> {
    const again = attempt > 1 ? `, delivery ${attempt}` : "";
    this.#options.print(`got ${type} ${JSON.stringify(data)}${again}`);
    const body = this.#obeyed.get(id) ?? JSON.stringify(await this.#appliance.obey(type, data));
    // What was interrupted by the end of it all has no result.
    if (this.#options.signal.aborted) return;
    this.#obeyed.set(id, body);
    const [oldest] = this.#obeyed.keys();
    if (this.#obeyed.size > OBEYED_MAX && oldest !== undefined) this.#obeyed.delete(oldest);
    this.#outbox.addResult(id, { type, body });
  }

  /** While something stays undone it is offered with every poll; once is enough to try it. */
  #become({ delta, desired_version: version }: NonNullable<Polled["state"]>): void {
    if (version === this.#desiredVersion) return;
    this.#desiredVersion = version;
    this.#options.print(`is to become ${JSON.stringify(delta)}`);
    const refused = this.#appliance.become(delta);
    if (refused.length > 0) this.#options.print(`cannot be what is wanted of ${refused.join()}`);
    this.#outbox.addReport(this.#appliance.state);
  }
}

/** A proxy on the way may answer with a page of its own. */
function readPolled(text: string): Polled {
  try {
    return JSON.parse(text);
  } catch {
    throw new LineBroken("what came is not from Posthorn");
  }
}
