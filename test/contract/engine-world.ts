import { afterEach, beforeEach } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OwnEventRules } from "../../src/core/own-event.ts";
import type { Deliver, Engine } from "../../src/core/ports/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";

export interface EngineParts {
  /** A directory of this test; the same one again means the same store. */
  readonly place: string;
  readonly deliver: Deliver;
  /** Says that rows for these endpoints were committed. */
  readonly outboxGrew: (endpoints: readonly string[]) => void;
  readonly ownEvents: OwnEventRules;
  readonly clock: FakeClock;
}

export interface EngineUnderTest {
  readonly name: string;
  /** False for an engine that forgets everything when it is disposed. */
  readonly keepsAfterClose: boolean;
  readonly open: (parts: EngineParts) => Promise<Engine>;
}

/** How engines under test tell of their own events. */
export const ownEvents: OwnEventRules = {
  retention: { sizeMax: 10_000, ttlMs: 365 * 24 * 60 * 60 * 1000 },
  endpoints: {
    "device.online": ["shop"],
    "device.state": ["shop", "erp"],
    "command.queued": ["shop"],
  },
};

export interface EngineWorld {
  readonly clock: FakeClock;
  /** The one that is open now. */
  readonly engine: Engine;
  /** What happened, in order: deliveries, endpoints that got rows, and whatever a test adds. */
  readonly events: string[];
  /** Takes every row that waits for an endpoint; their ids, oldest first. */
  readonly rowsFor: (endpoint: string) => Promise<readonly string[]>;
  readonly reopen: () => Promise<void>;
}

/** Opens an engine for each test of a suite. */
export function openForEach({ open }: EngineUnderTest): EngineWorld {
  const clock = new FakeClock();
  const events: string[] = [];
  let place: string;
  let engine: Engine;

  const start = () =>
    open({
      place,
      clock,
      ownEvents,
      deliver: (channel, { data, offset }) => {
        events.push(`${channel} ${offset} ${JSON.parse(data).type}`);
      },
      outboxGrew: (endpoints) => void events.push(`outbox ${endpoints.join(" ")}`),
    });

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "posthorn-engine-"));
    events.length = 0;
    engine = await start();
  });
  afterEach(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(place, { recursive: true });
  });

  return {
    clock,
    get engine() {
      return engine;
    },
    events,
    async rowsFor(endpoint) {
      const query = { endpoint, nowMs: clock.nowMs(), max: 1_000, leaseMs: 1_000 };
      const ids: string[] = [];
      while (true) {
        const { rows } = await engine.take(query);
        if (rows.length === 0) return ids;
        ids.push(...rows.map(({ id }) => id));
        await Promise.all(rows.map((row) => engine.done(row)));
      }
    },
    async reopen() {
      await engine[Symbol.asyncDispose]();
      engine = await start();
    },
  };
}
