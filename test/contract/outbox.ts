import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outbox, OutboxEntry, OutboxRef, OutboxTake } from "../../src/core/ports/outbox.ts";
import type { OutboxBounds } from "../../src/engine/sqlite/outbox-rows.ts";
import { FakeClock } from "../support/fake-clock.ts";

export interface OutboxParts {
  /** A directory of this test; the same one again means the same store. */
  readonly place: string;
  readonly clock: FakeClock;
  /** Small ones in place of those in `LIMITS`. */
  readonly bounds: OutboxBounds;
}

export interface OutboxUnderTest {
  readonly name: string;
  /** False for one that forgets everything when it is disposed. */
  readonly keepsAfterClose: boolean;
  readonly open: (parts: OutboxParts) => Promise<Outbox & AsyncDisposable>;
}

const LEASE_MS = 60_000;
const HOUR_MS = 60 * 60 * 1000;
const BOUNDS: OutboxBounds = { rowsMax: 5, maxBytes: 1_000, deadLettersMax: 3, orderedFailures: 3 };
const WHY = "answered with status 500";

/** The promises of `Outbox`, as tests. Every engine runs all of them. */
export function describeOutbox({ name, keepsAfterClose, open }: OutboxUnderTest): void {
  describe(`Outbox contract: ${name}`, () => {
    const clock = new FakeClock();
    let place: string;
    let outbox: Outbox & AsyncDisposable;

    const entry = (id: string, more: Partial<OutboxEntry> = {}): OutboxEntry => ({
      endpoint: "shop",
      id,
      type: "device.online",
      orderKey: "",
      body: `{"id":"${id}"}`,
      createdAtMs: clock.nowMs(),
      ...more,
    });
    const add = (...ids: readonly string[]) => outbox.add(ids.map((id) => entry(id)));
    const addOf = (orderKey: string, ...ids: readonly string[]) =>
      outbox.add(ids.map((id) => entry(id, { orderKey })));
    const ref = (id: string, endpoint = "shop"): OutboxRef => ({ endpoint, id });
    const takeAll = (more: Partial<OutboxTake> = {}) =>
      outbox.take({
        endpoint: "shop",
        nowMs: clock.nowMs(),
        max: 100,
        leaseMs: LEASE_MS,
        ...more,
      });
    const take = async (more: Partial<OutboxTake> = {}) =>
      (await takeAll(more)).rows.map(({ id }) => id);
    /** Takes the row, which must be there to be taken, and lets it fail. */
    const fail = async (id: string, afterMs = 0) => {
      expect(await take()).toContain(id);
      await outbox.retry(ref(id), clock.nowMs() + afterMs);
    };
    const bury = (id: string, endpoint = "shop") =>
      outbox.bury(ref(id, endpoint), { atMs: clock.nowMs(), why: WHY });
    const dead = async (endpoint?: string) => {
      const page = { limit: 100, ...(endpoint !== undefined && { endpoint }) };
      return (await outbox.deadLetters(page)).map(({ id }) => id);
    };
    const start = () => open({ place, clock, bounds: BOUNDS });
    const reopen = async () => {
      await outbox[Symbol.asyncDispose]();
      outbox = await start();
    };

    beforeEach(async () => {
      place = await mkdtemp(join(tmpdir(), "posthorn-outbox-"));
      outbox = await start();
    });
    afterEach(async () => {
      await outbox[Symbol.asyncDispose]();
      await rm(place, { recursive: true });
    });

    describe("add() and take()", () => {
      test("give back what was added, byte for byte, in its order", async () => {
        const body = '{"n":1.0,"big":12345678901234567890,"s":"\\u00e9é\u2028"}';
        const entries = [entry("b", { body, orderKey: "door" }), entry("a"), entry("c")];
        await outbox.add(entries);
        expect((await takeAll()).rows).toEqual(entries.map((it) => ({ ...it, failures: 0 })));
      });

      test("keep the trace of those that have one", async () => {
        const trace = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
        await outbox.add([
          entry("e-1", { trace: { ...trace, tracestate: "vendor=1" } }),
          entry("e-2", { trace }),
          entry("e-3"),
        ]);
        const { rows } = await takeAll();
        expect(rows.map((row) => row.trace)).toEqual([
          { ...trace, tracestate: "vendor=1" },
          trace,
          undefined,
        ]);
      });

      test("keep the order of adds that were not awaited", async () => {
        await Promise.all(["4", "1", "3", "2"].map((id) => add(id)));
        expect(await take()).toEqual(["4", "1", "3", "2"]);
      });

      test("know nothing in the beginning", async () => {
        expect(await takeAll()).toEqual({ rows: [] });
        expect(await dead()).toEqual([]);
      });

      test("give out no more than was asked for, and the rest next time", async () => {
        await add("1", "2", "3");
        expect(await take({ max: 2 })).toEqual(["1", "2"]);
        expect(await take({ max: 2 })).toEqual(["3"]);
      });

      test("give out what a crash left leased before the clock was set back", async () => {
        await addOf("door", "1", "2");
        expect(await take()).toEqual(["1"]);
        const nowMs = clock.nowMs() - 24 * HOUR_MS;
        expect(await take({ nowMs })).toEqual(["1"]);
        await outbox.done(ref("1"));
        expect(await take({ nowMs })).toEqual(["2"]);
        expect(await take({ nowMs })).toEqual([]);
      });

      test("give out a failed row once it waits longer than any row can", async () => {
        await add("1");
        await fail("1", 7 * HOUR_MS);
        expect(await take()).toEqual([]);
        expect(await take({ nowMs: clock.nowMs() - HOUR_MS })).toEqual([]);
        expect(await take({ nowMs: clock.nowMs() - HOUR_MS - 1 })).toEqual(["1"]);
      });

      test("leave a row alone whose lease was dated a moment later", async () => {
        await add("1");
        expect(await take()).toEqual(["1"]);
        expect(await take({ nowMs: clock.nowMs() - 1_000 })).toEqual([]);
      });

      test("keep endpoints apart, also for the same event", async () => {
        await outbox.add([entry("1"), entry("1", { endpoint: "bank" })]);
        expect(await take()).toEqual(["1"]);
        await outbox.done(ref("1"));
        expect(await take({ endpoint: "bank" })).toEqual(["1"]);
        expect(await take({ endpoint: "nobody" })).toEqual([]);
      });

      test("leave out an event that is waiting already", async () => {
        await outbox.add([entry("1", { body: '"first"' }), entry("1", { body: '"second"' })]);
        await outbox.add([entry("1", { body: '"third"' }), entry("2")]);
        expect((await takeAll()).rows.map(({ body }) => body)).toEqual(['"first"', '{"id":"2"}']);
      });

      test("leave out an event that is being delivered, or is dead", async () => {
        await add("1", "2");
        await take();
        await bury("2");
        await add("1", "2");
        clock.advance(LEASE_MS);
        expect(await take()).toEqual(["1"]);
        expect(await dead()).toEqual(["2"]);
      });

      test("take nothing for adding nothing", async () => {
        await outbox.add([]);
        expect(await take()).toEqual([]);
      });
    });

    describe("a lease", () => {
      test("keeps a row from being taken twice, until it ends", async () => {
        await add("1");
        expect(await take()).toEqual(["1"]);
        clock.advance(LEASE_MS - 1);
        expect(await take()).toEqual([]);
        clock.advance(1);
        expect(await take()).toEqual(["1"]);
      });

      test("holds against takes that were not awaited", async () => {
        await add("1", "2");
        const taken = await Promise.all([take({ max: 1 }), take({ max: 1 }), take({ max: 1 })]);
        expect(taken.flat().toSorted()).toEqual(["1", "2"]);
      });

      test("ends early when whoever took the row is gone", async () => {
        await add("1", "2", "3");
        await take({ max: 2 });
        await outbox.retry(ref("2"), clock.nowMs() + HOUR_MS);
        await outbox.endLeases();
        expect(await take()).toEqual(["1", "3"]);
        expect((await takeAll()).rows).toEqual([]);
      });

      test("that ended counts for no failure", async () => {
        await add("1");
        await take();
        clock.advance(LEASE_MS);
        expect((await takeAll()).rows).toMatchObject([{ id: "1", failures: 0 }]);
      });
    });

    describe("done()", () => {
      test("ends a row for good", async () => {
        await add("1", "2");
        await take();
        await outbox.done(ref("1"));
        clock.advance(LEASE_MS);
        expect(await take()).toEqual(["2"]);
      });

      test("lets the same event be added anew", async () => {
        await add("1");
        await take();
        await outbox.done(ref("1"));
        await add("1");
        expect(await take()).toEqual(["1"]);
      });
    });

    describe("retry()", () => {
      test("makes a row due when it says, and counts the failure", async () => {
        await add("1");
        await fail("1", HOUR_MS);
        clock.advance(HOUR_MS - 1);
        expect(await take()).toEqual([]);
        clock.advance(1);
        expect((await takeAll()).rows).toMatchObject([{ id: "1", failures: 1 }]);
      });

      test("ends the lease", async () => {
        await add("1");
        await fail("1", 1);
        clock.advance(1);
        expect(await take()).toEqual(["1"]);
      });

      test("lets a row keep its place before younger ones", async () => {
        await add("1", "2");
        await fail("1");
        await outbox.retry(ref("2"), clock.nowMs());
        expect(await take()).toEqual(["1", "2"]);
      });
    });

    describe("done(), retry() and bury()", () => {
      test("are harmless for a row that is not there", async () => {
        await add("1", "2");
        await take();
        await bury("2");
        await outbox.done(ref("2"));
        await outbox.retry(ref("2"), clock.nowMs());
        await outbox.bury(ref("2"), { atMs: clock.nowMs() + 1, why: "is another reason" });
        for (const gone of [ref("3"), ref("1", "bank")]) {
          await outbox.done(gone);
          await outbox.retry(gone, clock.nowMs());
          await outbox.bury(gone, { atMs: clock.nowMs(), why: WHY });
        }
        expect(await outbox.deadLetters({ limit: 100 })).toMatchObject([
          { id: "2", failures: 1, why: WHY },
        ]);
        clock.advance(LEASE_MS);
        expect(await take()).toEqual(["1"]);
      });
    });

    describe("an order key", () => {
      test("gives out one row at a time, oldest first, and others beside it", async () => {
        await addOf("door", "d1", "d2");
        await addOf("gate", "g1");
        await add("x1");
        expect(await take()).toEqual(["d1", "g1", "x1"]);
        expect(await take()).toEqual([]);
        await outbox.done(ref("d1"));
        expect(await take()).toEqual(["d2"]);
      });

      test("holds back younger rows while an older one waits for its next attempt", async () => {
        await addOf("door", "d1", "d2");
        await fail("d1", HOUR_MS);
        expect(await take()).toEqual([]);
        clock.advance(HOUR_MS);
        expect(await take()).toEqual(["d1"]);
      });

      test("lets younger rows pass one that failed too often, and keeps order among them", async () => {
        await addOf("door", "d1", "d2", "d3");
        for (let failures = 0; failures < 3; failures++) {
          expect(await take()).toEqual(["d1"]);
          await outbox.retry(ref("d1"), clock.nowMs() + (failures === 2 ? HOUR_MS : 0));
        }
        expect(await take()).toEqual(["d2"]);
        expect(await take()).toEqual([]);
        await outbox.done(ref("d2"));
        expect(await take()).toEqual(["d3"]);
        clock.advance(HOUR_MS);
        expect(await take()).toContain("d1");
      });

      test("lets younger rows go when an older one dies", async () => {
        await addOf("door", "d1", "d2");
        await take();
        await bury("d1");
        expect(await take()).toEqual(["d2"]);
      });

      test("holds back nothing at another endpoint", async () => {
        await outbox.add([
          entry("d1", { orderKey: "door" }),
          entry("d2", { orderKey: "door", endpoint: "bank" }),
        ]);
        expect(await take({ endpoint: "bank" })).toEqual(["d2"]);
      });

      test("that is empty holds back nothing", async () => {
        await add("1", "2");
        await fail("1", HOUR_MS);
        await outbox.retry(ref("2"), clock.nowMs());
        expect(await take()).toEqual(["2"]);
      });
    });

    describe("nextAtMs", () => {
      test("is when the next row is due", async () => {
        await add("1", "2");
        await fail("1", HOUR_MS);
        await outbox.retry(ref("2"), clock.nowMs() + 2 * HOUR_MS);
        expect(await takeAll()).toEqual({ rows: [], nextAtMs: clock.nowMs() + HOUR_MS });
      });

      test("is when a lease ends, also one just given out", async () => {
        await add("1");
        expect(await takeAll()).toMatchObject({ nextAtMs: clock.nowMs() + LEASE_MS });
        clock.advance(1_000);
        expect(await takeAll()).toEqual({
          rows: [],
          nextAtMs: clock.nowMs() + LEASE_MS - 1_000,
        });
      });

      test("speaks of one endpoint only", async () => {
        await outbox.add([entry("1", { endpoint: "bank" })]);
        await take({ endpoint: "bank" });
        expect(await takeAll()).toEqual({ rows: [] });
      });

      test("leaves out rows that only another row holds back", async () => {
        await addOf("door", "d1", "d2");
        expect(await takeAll()).toMatchObject({ nextAtMs: clock.nowMs() + LEASE_MS });
      });
    });

    describe("dead letters", () => {
      test("tell what died, when, why, and after how many attempts", async () => {
        await add("1");
        const added = entry("1");
        await fail("1");
        await take();
        clock.advance(1_000);
        await bury("1");
        const diedAtMs = clock.nowMs();
        expect(await outbox.deadLetters({ limit: 1 })).toEqual([
          { ...added, failures: 2, diedAtMs, why: WHY },
        ]);
        clock.advance(HOUR_MS);
        expect(await take()).toEqual([]);
      });

      test("are listed by page, endpoint by endpoint, also while they change", async () => {
        await outbox.add(["b1", "b2"].map((id) => entry(id, { endpoint: "bank" })));
        await add("s2", "s1");
        for (const [id, endpoint] of [
          ["s2", "shop"],
          ["s1", "shop"],
          ["b1", "bank"],
          ["b2", "bank"],
        ] as const) {
          await bury(id, endpoint);
          clock.advance(1);
        }
        expect(await dead()).toEqual(["b1", "b2", "s2", "s1"]);
        expect(await dead("shop")).toEqual(["s2", "s1"]);
        expect(await dead("nobody")).toEqual([]);
        const listed: string[] = [];
        let page = await outbox.deadLetters({ limit: 1 });
        for (let after = page[0]; after !== undefined; after = page[0]) {
          listed.push(after.id);
          await outbox.replay(after);
          page = await outbox.deadLetters({ limit: 1, after });
        }
        expect(listed).toEqual(["b1", "b2", "s2", "s1"]);
      });

      test("that died at the same time are listed by id", async () => {
        await add("2", "3", "1");
        for (const id of ["3", "1", "2"]) await bury(id);
        expect(await dead()).toEqual(["1", "2", "3"]);
        const [first] = await outbox.deadLetters({ limit: 1 });
        const rest = await outbox.deadLetters({ limit: 5, ...(first && { after: first }) });
        expect(rest.map(({ id }) => id)).toEqual(["2", "3"]);
      });

      test("come back as they were, at once, without failures, in their old place", async () => {
        await addOf("door", "d1", "d2");
        await fail("d1", HOUR_MS);
        await bury("d1");
        expect(await outbox.replay(ref("d1"))).toBe("replayed");
        const [row, ...others] = (await takeAll()).rows;
        expect(row).toEqual({ ...entry("d1", { orderKey: "door" }), failures: 0 });
        expect(others).toEqual([]);
        expect(await dead()).toEqual([]);
      });

      test("cannot be replayed when they are not there", async () => {
        await add("1", "2");
        await take();
        await bury("2");
        expect(await outbox.replay(ref("2"))).toBe("replayed");
        expect(await outbox.replay(ref("2"))).toBe("unknown");
        expect(await outbox.replay(ref("1"))).toBe("unknown");
        expect(await outbox.replay(ref("3"))).toBe("unknown");
        expect(await outbox.replay(ref("2", "bank"))).toBe("unknown");
      });
    });

    describe("outboxCounts()", () => {
      test("counts what waits and what died, at each endpoint by itself", async () => {
        const counts = (waiting: number, dead: number) => {
          return { waiting, waitingBytes: waiting * '{"id":"1"}'.length, dead };
        };
        expect(await outbox.outboxCounts("shop")).toEqual(counts(0, 0));
        await add("1", "2", "3");
        await take({ max: 1 });
        await bury("2");
        await outbox.add([entry("1", { endpoint: "bank" })]);
        expect(await outbox.outboxCounts("shop")).toEqual(counts(2, 1));
        expect(await outbox.outboxCounts("bank")).toEqual(counts(1, 0));
        await outbox.replay(ref("2"));
        await outbox.done(ref("1"));
        expect(await outbox.outboxCounts("shop")).toEqual(counts(2, 0));
      });
    });

    describe("the bounds", () => {
      test("make dead letters of what finds no room, and know why", async () => {
        await add("1", "2", "3", "4", "5", "6");
        await outbox.add([entry("1", { endpoint: "bank" })]);
        const letters = await outbox.deadLetters({ limit: 100 });
        expect(letters).toMatchObject([{ id: "6", failures: 0, diedAtMs: clock.nowMs() }]);
        expect(letters[0]?.why).toMatch(/\w/);
        expect(await take()).toEqual(["1", "2", "3", "4", "5"]);
        await outbox.done(ref("1"));
        await add("7");
        expect(await take()).toEqual(["7"]);
      });

      test("are of what waits in bytes of UTF-8 too", async () => {
        const heavy = (id: string) => entry(id, { body: JSON.stringify("é".repeat(299)) });
        await outbox.add([heavy("1"), heavy("2"), heavy("3")]);
        expect(await outbox.outboxCounts("shop")).toEqual({
          waiting: 2,
          waitingBytes: 1_200,
          dead: 1,
        });
        expect(await outbox.replay(ref("3"))).toBe("full");
        await take();
        await bury("1");
        expect(await outbox.replay(ref("3"))).toBe("replayed");
        expect(await outbox.replay(ref("1"))).toBe("full");
        await outbox.done(ref("2"));
        await outbox.done(ref("3"));
        expect(await outbox.outboxCounts("shop")).toEqual({
          waiting: 0,
          waitingBytes: 0,
          dead: 1,
        });
      });

      test("keep a dead letter dead for which there is no room", async () => {
        await add("1");
        await bury("1");
        await add("2", "3", "4", "5", "6");
        expect(await outbox.replay(ref("1"))).toBe("full");
        await outbox.done(ref("2"));
        expect(await outbox.replay(ref("1"))).toBe("replayed");
      });

      test("let the oldest death go first, at each endpoint by itself", async () => {
        await outbox.add([entry("b1", { endpoint: "bank" })]);
        await bury("b1", "bank");
        for (const id of ["4", "3", "2", "1"]) {
          clock.advance(1);
          await add(id);
          await bury(id);
        }
        expect(await dead("shop")).toEqual(["3", "2", "1"]);
        expect(await dead("bank")).toEqual(["b1"]);
        await add("4");
        expect(await take()).toEqual(["4"]);
      });
    });

    if (keepsAfterClose) {
      describe("after reopening", () => {
        test("everything is as it was, and a lease may be over", async () => {
          await add("1", "2", "3", "4");
          await take();
          await outbox.done(ref("1"));
          await outbox.retry(ref("2"), clock.nowMs() + HOUR_MS);
          await bury("3");
          await reopen();
          expect(await dead()).toEqual(["3"]);
          clock.advance(LEASE_MS);
          expect(await take()).toEqual(["4"]);
          clock.advance(HOUR_MS);
          expect((await takeAll()).rows).toMatchObject([
            { id: "2", failures: 1 },
            { id: "4", failures: 0 },
          ]);
          expect(await outbox.replay(ref("3"))).toBe("replayed");
          expect(await take()).toEqual(["3"]);
        });

        test("the bounds still hold", async () => {
          await add("1", "2", "3", "4", "5");
          await reopen();
          await add("6");
          expect(await dead()).toEqual(["6"]);
        });
      });
    }
  });
}
