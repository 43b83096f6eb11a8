import { gzipSync } from "node:zlib";
import type { DeviceCredentials } from "./cli.ts";

/** A command as its device gets it. */
export interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly attempt: number;
}

interface QueuedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly time: string;
}

interface QueuedResult {
  readonly command: string;
  readonly body: string;
  /** When the work was done. */
  readonly dueAtMs: number;
}

/**
 * How it gets its commands: by polls of which it tells nothing but the results, by polls that
 * acknowledge each other's commands, or by a stream.
 */
export type Receiving = "poll" | "acking-poll" | "stream";

/** What outlives a reboot. */
interface Disk {
  readonly events: QueuedEvent[];
  readonly results: QueuedResult[];
  /** Commands that took effect, by id, with how often they were delivered. */
  readonly obeyed: Map<string, { deliveries: number; readonly result: string }>;
}

const BATCH_MAX = 40;
/** Shorter than a real terminal's, so that a test sees many polls. */
const WAIT_SECONDS = 2;
const RETRY_MS = 20;
/** Every so many commands one takes so long, which is more than the lease of who tests with it. */
const SLOW_EVERY = 10;
const SLOW_MS = 1_500;

/**
 * An Android terminal as the guide in the README describes it: what it has to say goes into a queue
 * on its disk first and leaves it only when it was acknowledged; a command takes effect once, however
 * often it is delivered, because its id is on the disk before its result is sent. Its clock is wrong,
 * its line breaks, and it may be switched off at any moment.
 */
export class Terminal {
  readonly id: string;
  readonly #secret: string;
  readonly #url: string;
  readonly #disk: Disk = { events: [], results: [], obeyed: new Map() };
  readonly #receiving: Receiving;
  /** How often each command took effect. */
  readonly effects = new Map<string, number>();
  /** Events of which it was told that they had arrived before. */
  duplicateEvents = 0;
  /** Deliveries of commands that it had obeyed already. */
  repeatedDeliveries = 0;
  /** The most attempts that a delivery told of. */
  attemptsMax = 0;
  #bootedTimes = 0;
  #sequence = 0;
  #power = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #isOn = false;

  constructor(url: string, { id, secret }: DeviceCredentials, receiving: Receiving = "poll") {
    this.#url = url;
    this.id = id;
    this.#secret = secret;
    this.#receiving = receiving;
  }

  /** Everything it had to say was acknowledged. */
  get hasNothingToSay(): boolean {
    return this.#disk.events.length === 0 && this.#disk.results.length === 0;
  }

  /** How often the command reached it; more than its effects where a delivery was repeated. */
  deliveriesOf(command: string): number {
    return this.#disk.obeyed.get(command)?.deliveries ?? 0;
  }

  boot(): void {
    this.#isOn = true;
    this.#bootedTimes += 1;
    this.#power = new AbortController();
    const receiving = this.#receiving === "stream" ? this.#streamLoop() : this.#pollLoop();
    this.#running = Promise.all([this.#postLoop(), receiving]);
  }

  /** Switches it off in the midst of whatever it does. */
  async unplug(): Promise<void> {
    this.#isOn = false;
    this.#power.abort();
    await this.#running;
  }

  async reboot(): Promise<void> {
    await this.unplug();
    this.boot();
  }

  /** Puts an event in the queue on its disk. */
  say(data: unknown): void {
    this.#sequence += 1;
    const id = `${this.id}-${String(this.#sequence).padStart(6, "0")}`;
    // The clock of a board without a battery starts in 1970 at every boot.
    const time = new Date(this.#sequence * 1000).toISOString();
    this.#disk.events.push({ id, type: "reading", data, time });
  }

  async #postLoop(): Promise<void> {
    while (this.#isOn) {
      const isDone = (await this.#postEvents()) && (await this.#postResult());
      if (!isDone || this.hasNothingToSay) await this.#pause();
    }
  }

  /** Sends what is queued; false when it is not known to have arrived. */
  async #postEvents(): Promise<boolean> {
    const batch = this.#disk.events.slice(0, BATCH_MAX);
    if (batch.length === 0) return true;
    const text = JSON.stringify(batch);
    const isPacked = batch.length % 2 === 0;
    const answer = await this.#ask("/events", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(isPacked && { "content-encoding": "gzip" }),
      },
      body: isPacked ? gzipSync(text) : text,
    });
    if (answer?.status !== 200) return false;
    const { results } = (await bodyOf(answer)) ?? {};
    if (!Array.isArray(results) || results.length !== batch.length) return false;
    const refused = results.find((result) => result.error !== undefined);
    if (refused !== undefined) throw new Error(`an event was refused: ${JSON.stringify(refused)}`);
    this.duplicateEvents += results.filter(({ duplicate }) => duplicate).length;
    this.#disk.events.splice(0, batch.length);
    return true;
  }

  async #postResult(): Promise<boolean> {
    const { results } = this.#disk;
    if (results.length === 0) return true;
    const first = results.find(({ dueAtMs }) => dueAtMs <= performance.now());
    if (first === undefined) return false;
    const answer = await this.#ask(`/commands/${first.command}/result`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: first.body,
    });
    if (answer?.status !== 200) return false;
    results.splice(results.indexOf(first), 1);
    return true;
  }

  async #pollLoop(): Promise<void> {
    let cursor: string | undefined;
    while (this.#isOn) cursor = await this.#poll(cursor);
  }

  /** One poll; gives the cursor that the next one is to show. */
  async #poll(acknowledged = ""): Promise<string | undefined> {
    const query = `wait=${WAIT_SECONDS}&max=20&cursor=${acknowledged}`;
    const answer = await this.#ask(`/commands?${query}`, {});
    if (answer?.status === 204) return undefined;
    const { commands, cursor } = (answer && (await bodyOf(answer))) ?? {};
    if (commands === undefined) await this.#pause();
    for (const command of commands ?? []) this.#obey(command);
    return this.#receiving === "acking-poll" ? cursor : undefined;
  }

  async #streamLoop(): Promise<void> {
    while (this.#isOn) {
      const answer = await this.#ask("/commands/stream", {});
      if (answer?.status === 200) await this.#readStream(answer);
      await this.#pause();
    }
  }

  async #readStream({ body }: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of body ?? []) {
        const events = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) {
          const [, data] = /^event: command\nid: .+\ndata: (.+)$/m.exec(event.trimStart()) ?? [];
          if (data !== undefined) this.#obey(JSON.parse(data));
        }
      }
    } catch {
      // The line broke: the next stream brings again what did not come.
    }
  }

  #obey({ id, data, attempt }: Delivery): void {
    if (!this.#isOn) return;
    this.attemptsMax = Math.max(this.attemptsMax, attempt);
    const known = this.#disk.obeyed.get(id);
    if (known !== undefined) {
      known.deliveries += 1;
      this.repeatedDeliveries += 1;
      this.#queueResult({ command: id, body: known.result, dueAtMs: performance.now() });
      return;
    }
    this.effects.set(id, (this.effects.get(id) ?? 0) + 1);
    const result = JSON.stringify({ ok: true, data: { did: data, boot: this.#bootedTimes } });
    this.#disk.obeyed.set(id, { deliveries: 1, result });
    const workMs = this.effects.size % SLOW_EVERY === 0 ? SLOW_MS : 0;
    this.#queueResult({ command: id, body: result, dueAtMs: performance.now() + workMs });
  }

  #queueResult(result: QueuedResult): void {
    if (this.#disk.results.some(({ command }) => command === result.command)) return;
    this.#disk.results.push(result);
  }

  /** The answer, or nothing where the line broke: then it is not known what the server did. */
  async #ask(path: string, init: RequestInit): Promise<Response | undefined> {
    try {
      return await fetch(`${this.#url}/v1/devices/${this.id}${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${this.#secret}` },
        signal: this.#power.signal,
      });
    } catch {
      return undefined; // whoever called tries again, which is what this terminal is for
    }
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

interface AnswerBody {
  readonly results?: readonly { readonly error?: unknown; readonly duplicate?: boolean }[];
  readonly commands?: readonly Delivery[];
  readonly cursor?: string;
}

/** The body where it came whole. */
async function bodyOf(answer: Response): Promise<AnswerBody | undefined> {
  try {
    return await answer.json();
  } catch {
    return undefined; // the line broke in the midst of it
  }
}
