/** What is to be said in one request. */
export interface Shipment {
  readonly path: string;
  readonly method: "POST" | "PATCH";
  readonly body: string;
  /** A line for whoever watches. */
  readonly said: string;
  /** Forgets what was shipped, and nothing that came after it. */
  readonly done: () => void;
}

interface QueuedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly time: string;
}

interface QueuedResult {
  readonly type: string;
  readonly body: string;
}

/** A quarter of an hour without a line. */
const EVENTS_MAX = 500;
const BATCH_MAX = 200;

/**
 * What the terminal still has to say. It is here before anything is sent, with ids that stay, and goes
 * only when the server answered; a real terminal has it on its disk.
 */
export class Outbox {
  #events: QueuedEvent[] = [];
  readonly #results = new Map<string, QueuedResult>();
  readonly #report = new Map<string, unknown>();
  #filled = Promise.withResolvers<void>();

  /** Resolves when there is something to send. */
  get filled(): Promise<void> {
    return this.#filled.promise;
  }

  addEvent(event: QueuedEvent): void {
    this.#events = [...this.#events, event].slice(-EVENTS_MAX);
    this.#filled.resolve();
  }

  addResult(command: string, result: QueuedResult): void {
    this.#results.set(command, result);
    this.#filled.resolve();
  }

  /** What is the case now counts, whatever was the case before. */
  addReport(changes: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(changes)) this.#report.set(key, value);
    this.#filled.resolve();
  }

  /** Results first: somebody waits for them. */
  next(): Shipment | undefined {
    const shipment = this.#nextResult() ?? this.#nextReport() ?? this.#nextEvents();
    if (shipment === undefined) this.#filled = Promise.withResolvers();
    return shipment;
  }

  #nextResult(): Shipment | undefined {
    const [first] = this.#results;
    if (first === undefined) return undefined;
    const [command, { type, body }] = first;
    return {
      path: `/commands/${command}/result`,
      method: "POST",
      body,
      said: `answered ${type}: ${body}`,
      done: () => void this.#results.delete(command),
    };
  }

  #nextReport(): Shipment | undefined {
    if (this.#report.size === 0) return undefined;
    const sent = new Map(this.#report);
    const body = JSON.stringify(Object.fromEntries(sent));
    return {
      path: "/state",
      method: "PATCH",
      body,
      said: `reported ${body}`,
      done: () => {
        for (const [key, value] of sent) {
          if (this.#report.get(key) === value) this.#report.delete(key);
        }
      },
    };
  }

  #nextEvents(): Shipment | undefined {
    const batch = this.#events.slice(0, BATCH_MAX);
    const [first] = batch;
    if (first === undefined) return undefined;
    const sent = new Set(batch);
    const one = `posted ${first.type} ${JSON.stringify(first.data)}`;
    return {
      path: "/events",
      method: "POST",
      body: JSON.stringify(batch),
      said: batch.length === 1 ? one : `posted ${batch.length} events that had to wait`,
      done: () => {
        this.#events = this.#events.filter((event) => !sent.has(event));
      },
    };
  }
}
