import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Channel, parseChannel } from "../../src/core/channel.ts";
import { Fault } from "../../src/core/faults.ts";
import type {
  Append,
  Appended,
  Deliver,
  Engine,
  HistoryQuery,
  VersionGuard,
} from "../../src/core/ports/engine.ts";
import type { OutboxEntry } from "../../src/core/ports/outbox.ts";
import type { Position, Publication, Retention } from "../../src/core/publication.ts";
import { openStream } from "../../src/core/recovery.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type EngineUnderTest, ownEvents } from "./engine-world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const door = parseChannel("device:door");
const gate = parseChannel("device:gate");
const keep: Retention = { sizeMax: 100, ttlMs: DAY_MS };
const everything: HistoryQuery = { limit: 100, ttlMs: DAY_MS };
const unstored: Appended = {
  epoch: "",
  offset: 0,
  duplicate: false,
  suppressed: false,
  mismatched: false,
};

/** The promises of `Engine`, as tests. Every engine runs all of them. */
export function describeEngine({ name, keepsAfterClose, open }: EngineUnderTest): void {
  describe(`Engine contract: ${name}`, () => {
    const clock = new FakeClock();
    let place: string;
    let engine: Engine;
    /** What happened, in order: deliveries, and whatever a test adds. */
    let events: string[];

    const deliver: Deliver = (channel, publication, position) => {
      events.push(`${channel} ${position.offset} ${publication.data}`);
    };
    const outboxGrew = (endpoints: readonly string[]) => {
      events.push(`outbox ${endpoints.join(" ")}`);
    };
    const start = () => open({ place, deliver, outboxGrew, ownEvents, clock });
    const entry = (channel: Channel, data: string, more: Partial<Append> = {}): Append => ({
      channel,
      publication: { data, timeMs: clock.nowMs() },
      retention: keep,
      ...more,
    });
    const append = (channel: Channel, data: string, more: Partial<Append> = {}) =>
      engine.append(entry(channel, data, more));
    const dataOf = async (channel: Channel, query: Partial<HistoryQuery> = {}) => {
      const { publications } = await engine.history(channel, { ...everything, ...query });
      return publications.map(({ data }) => data);
    };
    /** Whether a client that stopped at `since` would be given all that it missed. */
    const recovers = async (channel: Channel, since: Position) => {
      const history = await engine.history(channel, { ...everything, sinceOffset: since.offset });
      const opened = openStream(history, [], since);
      return opened !== "insufficient" && opened.recovered;
    };
    /** Lets so much time pass, and the engine tidy up as often as it wants to meanwhile. */
    const pass = async (ms: number) => {
      for (let part = 0; part < 10; part++) {
        clock.advance(ms / 10);
        await engine.ping();
      }
    };
    const reopen = async () => {
      await engine[Symbol.asyncDispose]();
      engine = await start();
    };

    beforeEach(async () => {
      place = await mkdtemp(join(tmpdir(), "posthorn-engine-"));
      events = [];
      engine = await start();
    });
    afterEach(async () => {
      await engine[Symbol.asyncDispose]();
      await rm(place, { recursive: true });
    });

    describe("append()", () => {
      test("counts offsets from 1 without gaps, for each channel by itself", async () => {
        const offsets: number[] = [];
        for (const channel of [door, door, gate, door, gate]) {
          offsets.push((await append(channel, "1")).offset);
        }
        expect(offsets).toEqual([1, 2, 1, 3, 2]);
      });

      test("answers the same epoch for one channel's whole life", async () => {
        const epochs = [await append(door, "1"), await append(door, "2")].map(({ epoch }) => epoch);
        expect(epochs[0]).toMatch(/^\S+$/);
        expect(epochs[1]).toBe(epochs[0] as string);
        expect((await engine.history(door, everything)).top.epoch).toBe(epochs[0] as string);
      });

      test("keeps the order in which appends were made, also when none was awaited", async () => {
        const appends = Array.from({ length: 50 }, (_, index) => append(door, `${index}`));
        const offsets = (await Promise.all(appends)).map(({ offset }) => offset);
        expect(offsets).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
        expect(await dataOf(door)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
      });

      test("delivers each new publication once and before it resolves", async () => {
        const appends = ["1", "2", "3"].map(async (data) => {
          const { offset } = await append(door, data);
          events.push(`appended ${offset}`);
        });
        await Promise.all(appends);
        for (const offset of [1, 2, 3]) {
          const delivered = events.indexOf(`device:door ${offset} ${offset}`);
          expect(delivered).toBeGreaterThanOrEqual(0);
          expect(delivered).toBeLessThan(events.indexOf(`appended ${offset}`));
        }
        expect(events).toHaveLength(6);
      });

      test("delivers the publication with its position, tags and info", async () => {
        const seen: unknown[] = [];
        await engine[Symbol.asyncDispose]();
        engine = await open({
          place,
          clock,
          ownEvents,
          outboxGrew,
          deliver: (...delivery) => void seen.push(delivery),
        });
        const publication = {
          data: '{"t":1.0}',
          timeMs: clock.nowMs(),
          tags: { kind: "reading" },
          info: '{"user":"u"}',
        };
        const { epoch } = await engine.append({ channel: door, publication, retention: keep });
        expect(seen).toEqual([[door, { ...publication, offset: 1 }, { epoch, offset: 1 }]]);
      });

      test("without retention delivers at once with offset 0 and stores nothing", async () => {
        const publication = { data: "7", timeMs: clock.nowMs() };
        const appending = engine.append({ channel: door, publication });
        expect(events).toEqual(["device:door 0 7"]);
        expect(await appending).toEqual(unstored);
        const { top, publications } = await engine.history(door, everything);
        expect({ offset: top.offset, publications }).toEqual({ offset: 0, publications: [] });
      });

      test("keeps 1,000 concurrent appends over 20 channels complete and in order", async () => {
        const channels = Array.from({ length: 20 }, (_, index) => parseChannel(`device:d${index}`));
        const made = Array.from({ length: 1000 }, (_, index) => ({
          channel: channels[index % 20] ?? door,
          data: `${Math.floor(index / 20)}`,
        }));
        await Promise.all(made.map(({ channel, data }) => append(channel, data)));
        const expected = Array.from({ length: 50 }, (_, index) => `${index}`);
        for (const channel of channels) {
          const { top, publications } = await engine.history(channel, everything);
          expect(top.offset).toBe(50);
          expect(publications.map(({ data }) => data)).toEqual(expected);
          expect(events.filter((event) => event.startsWith(`${channel} `))).toEqual(
            expected.map((data, index) => `${channel} ${index + 1} ${data}`),
          );
        }
      });
    });

    describe("append() with a dedupe key", () => {
      const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
      const twice = async (more: Partial<Append>): Promise<Appended> => {
        await append(door, "1", { dedupe });
        return append(door, "2", { dedupe, ...more });
      };

      test("answers the first position for an id seen before, and delivers nothing", async () => {
        await append(door, "0");
        const second = await twice({});
        expect(second).toMatchObject({ offset: 2, duplicate: true });
        expect(second.epoch).toBe((await engine.history(door, everything)).top.epoch);
        expect(events).toEqual(["device:door 1 0", "device:door 2 1"]);
        expect(await dataOf(door)).toEqual(["0", "1"]);
      });

      test("recognises two equal ids that arrive together", async () => {
        const both = await Promise.all([
          append(door, "1", { dedupe }),
          append(door, "2", { dedupe }),
        ]);
        expect(both.map(({ offset, duplicate }) => [offset, duplicate])).toEqual([
          [1, false],
          [1, true],
        ]);
        expect(events).toEqual(["device:door 1 1"]);
      });

      test("never confuses ids of different scopes", async () => {
        expect(await twice({ dedupe: { ...dedupe, scope: "gate" } })).toMatchObject({
          offset: 2,
          duplicate: false,
        });
      });

      test("forgets an id after its ttl", async () => {
        const brief = { dedupe: { ...dedupe, ttlMs: 5000 } };
        await append(door, "1", brief);
        clock.advance(4999);
        expect(await append(door, "2", brief)).toMatchObject({ duplicate: true });
        clock.advance(1);
        expect(await append(door, "3", brief)).toMatchObject({ offset: 2, duplicate: false });
      });

      test("remembers an id longer than the publication it named", async () => {
        const retention = { sizeMax: 1, ttlMs: 1000 };
        await append(door, "1", { dedupe, retention });
        await append(door, "2", { retention });
        clock.advance(2000);
        expect(await append(door, "3", { dedupe })).toMatchObject({ offset: 1, duplicate: true });
      });

      test("works without retention: the second is neither delivered nor stored", async () => {
        const publication = { data: "1", timeMs: clock.nowMs() };
        const first = await engine.append({ channel: door, publication, dedupe });
        const second = await engine.append({ channel: door, publication, dedupe });
        expect([first, second]).toEqual([unstored, { ...unstored, duplicate: true }]);
        expect(events).toEqual(["device:door 0 1"]);
        expect((await engine.history(door, everything)).top.offset).toBe(0);
      });
    });

    describe("append() with a fingerprint", () => {
      const dedupe = (fingerprint?: string) => ({
        dedupe: {
          scope: "door",
          id: "e1",
          ttlMs: DAY_MS,
          ...(fingerprint !== undefined && { fingerprint }),
        },
      });

      test.each([
        { title: "the same one", first: "a", second: "a", mismatched: false },
        { title: "another one", first: "a", second: "b", mismatched: true },
        { title: "the first one", second: "b", mismatched: false },
        { title: "none", first: "a", mismatched: false },
        { title: "none again", mismatched: false },
      ])("says of a duplicate with $title: $mismatched", async ({ first, second, mismatched }) => {
        const stored = await append(door, "1", dedupe(first));
        expect(stored).toMatchObject({ duplicate: false, mismatched: false });
        const again = await append(door, "2", dedupe(second));
        expect(again).toEqual({ ...stored, duplicate: true, mismatched });
        expect(events).toEqual(["device:door 1 1"]);
      });

      test("compares with the first one, also after another one came", async () => {
        await append(door, "1", dedupe("a"));
        await append(door, "2", dedupe("b"));
        expect(await append(door, "3", dedupe("b"))).toMatchObject({ mismatched: true });
        expect(await append(door, "4", dedupe("a"))).toMatchObject({ mismatched: false });
      });

      test("forgets it with the id", async () => {
        await append(door, "1", dedupe("a"));
        clock.advance(DAY_MS);
        const again = await append(door, "2", dedupe("b"));
        expect(again).toMatchObject({ offset: 2, duplicate: false, mismatched: false });
      });

      test("works without retention, in a batch as alone", async () => {
        const publication = { data: "1", timeMs: clock.nowMs() };
        const post = (fingerprint: string) =>
          engine.append({ channel: door, publication, ...dedupe(fingerprint) });
        const answers = await Promise.all([post("a"), post("b"), post("a")]);
        expect(answers.map(({ duplicate, mismatched }) => [duplicate, mismatched])).toEqual([
          [false, false],
          [true, true],
          [true, false],
        ]);
      });
    });

    describe("append() with outbox entries", () => {
      const row = (endpoint: string, id = "e1"): OutboxEntry => ({
        endpoint,
        id,
        type: "reading",
        orderKey: "",
        body: '{"n":1.0}',
        createdAtMs: clock.nowMs(),
      });
      const take = async (endpoint: string) =>
        (await engine.take({ endpoint, nowMs: clock.nowMs(), max: 10, leaseMs: 1 })).rows;

      test("adds them with the publication, and says so behind its delivery", async () => {
        const outbox = [row("shop"), row("erp"), row("shop", "e2")];
        const { epoch } = await append(door, "1", { outbox }).finally(() =>
          events.push("appended"),
        );
        expect(events).toEqual(["device:door 1 1", "outbox shop erp", "appended"]);
        expect(await take("shop")).toEqual([
          { ...row("shop", `e1:${epoch}:1`), failures: 0 },
          { ...row("shop", `e2:${epoch}:1`), failures: 0 },
        ]);
        expect(await take("erp")).toHaveLength(1);
      });

      test("adds them for each publication, also where they are called the same", async () => {
        const appends = [door, door, gate].map((channel) =>
          append(channel, "1", { outbox: [row("shop")] }),
        );
        const places = (await Promise.all(appends)).map(
          ({ epoch, offset }) => `e1:${epoch}:${offset}`,
        );
        expect((await take("shop")).map(({ id }) => id)).toEqual(places);
        expect(new Set(places).size).toBe(3);
      });

      test("adds none with a duplicate or a suppressed one, and says nothing", async () => {
        const more = {
          dedupe: { scope: "door", id: "e1", ttlMs: DAY_MS },
          version: { version: 1 },
        };
        await append(door, "1", more);
        const outbox = [row("shop")];
        expect(await append(door, "2", { ...more, outbox })).toMatchObject({ duplicate: true });
        const old = { version: { version: 1 }, outbox };
        expect(await append(door, "3", old)).toMatchObject({ suppressed: true });
        expect(await take("shop")).toEqual([]);
        expect(events).toEqual(["device:door 1 1"]);
      });

      test("adds them without retention too", async () => {
        const publication = { data: "7", timeMs: clock.nowMs() };
        const appended = await engine.append({ channel: door, publication, outbox: [row("shop")] });
        expect(appended).toEqual(unstored);
        expect(events).toEqual(["device:door 0 7", "outbox shop"]);
        expect(await take("shop")).toMatchObject([{ id: "e1" }]);
        expect((await engine.history(door, everything)).top.offset).toBe(0);
      });

      test("stores the publication without them when there are none", async () => {
        await append(door, "1", { outbox: [] });
        expect(events).toEqual(["device:door 1 1"]);
      });
    });

    describe("append() with a version", () => {
      /** Appends one publication per guard, in order, and says which were stored. */
      const storedOf = async (guards: (VersionGuard | undefined)[]) => {
        const appended: Appended[] = [];
        for (const version of guards) {
          appended.push(await append(door, "1", version && { version }));
        }
        return appended.map(({ suppressed }) => !suppressed);
      };
      const guard = (version: number, epoch?: string): VersionGuard =>
        epoch === undefined ? { version } : { version, epoch };

      test.each([
        ["a newer one", [guard(1), guard(2)], true],
        ["the same", [guard(2), guard(2)], false],
        ["an older one", [guard(2), guard(1)], false],
        ["the same after an append without version", [guard(2), undefined, guard(2)], false],
        ["version 0, which guards nothing", [guard(2), guard(0)], true],
        ["the same after version 0", [guard(2), guard(0), guard(2)], false],
        ["an older one of the same epoch", [guard(5, "a"), guard(4, "a")], false],
        ["an older one of another epoch", [guard(5, "a"), guard(4, "b")], true],
        ["an older one of an epoch, after one of none", [guard(5), guard(4, "a")], true],
        ["an older one of no epoch, after one of some", [guard(5, "a"), guard(4)], false],
        ["an old one of the epoch before", [guard(5, "a"), guard(1, "b"), guard(4, "a")], true],
        ["the largest one", [guard(1), guard(Number.MAX_SAFE_INTEGER)], true],
      ])("lets through or suppresses %s", async (_, guards, isStored) => {
        expect((await storedOf(guards)).at(-1)).toBe(isStored);
      });

      test("answers the newest position when it suppresses, and neither stores nor delivers", async () => {
        await append(door, "1", { version: guard(7) });
        const newest = await append(door, "2");
        const late = await append(door, "late", { version: guard(6) });
        expect(late).toEqual({ ...newest, suppressed: true });
        expect(newest).toMatchObject({ offset: 2, duplicate: false, suppressed: false });
        expect(await dataOf(door)).toEqual(["1", "2"]);
        expect(events).toEqual(["device:door 1 1", "device:door 2 2"]);
      });

      test("lets one of two equal versions through that arrive together", async () => {
        const both = ["1", "2"].map((data) => append(door, data, { version: guard(7) }));
        expect((await Promise.all(both)).map(({ suppressed }) => suppressed)).toEqual([
          false,
          true,
        ]);
        expect(events).toEqual(["device:door 1 1"]);
      });

      test("compares within one channel only", async () => {
        await append(door, "1", { version: guard(7) });
        expect(await append(gate, "1", { version: guard(1) })).toMatchObject({ suppressed: false });
      });

      test("without retention compares and remembers nothing", async () => {
        const publication = { data: "1", timeMs: clock.nowMs() };
        for (const version of [guard(7), guard(7)]) {
          expect(await engine.append({ channel: door, publication, version })).toEqual(unstored);
        }
        expect(await append(door, "2", { version: guard(1) })).toMatchObject({ suppressed: false });
      });

      test("without retention lets an old version through, also with a dedupe key", async () => {
        await append(door, "1", { version: guard(7) });
        const publication = { data: "2", timeMs: clock.nowMs() };
        const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
        const old = { channel: door, publication, dedupe, version: guard(6) };
        expect(await engine.append(old)).toEqual(unstored);
        expect(events).toEqual(["device:door 1 1", "device:door 0 2"]);
      });

      test("does not take a suppressed publication's id for used", async () => {
        const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
        await append(door, "1", { version: guard(7) });
        expect(await append(door, "2", { version: guard(6), dedupe })).toMatchObject({
          suppressed: true,
        });
        expect(await append(door, "3", { dedupe })).toMatchObject({ offset: 2, duplicate: false });
      });

      test("knows a duplicate before it looks at the version, and does not remember that", async () => {
        const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
        const first = await append(door, "1", { version: guard(7), dedupe });
        for (const version of [guard(6), guard(8)]) {
          expect(await append(door, "2", { version, dedupe })).toEqual({
            ...first,
            duplicate: true,
          });
        }
        expect(await append(door, "3", { version: guard(8) })).toMatchObject({ suppressed: false });
      });

      test("remembers a version longer than the publication that brought it", async () => {
        await append(door, "1", { version: guard(7), retention: { sizeMax: 1, ttlMs: 5000 } });
        await append(door, "2", { retention: { sizeMax: 1, ttlMs: 5000 } });
        await pass(60_000);
        expect(await append(door, "3", { version: guard(7) })).toMatchObject({ suppressed: true });
      });

      test.each([2 ** 53, 1.5, -1, Number.NaN])("refuses %p as a bug", async (version) => {
        await expect(append(door, "1", { version: { version } })).rejects.toBeInstanceOf(
          RangeError,
        );
        expect((await engine.history(door, everything)).top.offset).toBe(0);
      });
    });

    describe("history()", () => {
      const fill = async (count: number) => {
        for (let index = 1; index <= count; index++) await append(door, `${index}`);
      };

      test("answers offset 0 and a lasting epoch for a stream nobody appended to", async () => {
        const { top, publications } = await engine.history(door, everything);
        expect(publications).toEqual([]);
        expect(top.offset).toBe(0);
        expect(top.epoch).toMatch(/^\S+$/);
        expect((await engine.history(door, everything)).top).toEqual(top);
        expect((await append(door, "1")).epoch).toBe(top.epoch);
      });

      test("returns each publication as it was appended", async () => {
        const publications: Omit<Publication, "offset">[] = [
          { data: '{"n":12345678901234567890, "x":1.0}', timeMs: clock.nowMs() },
          { data: '"漢字 \\u0000 😀"', timeMs: clock.nowMs(), tags: { b: "2", a: "1" } },
          { data: "null", timeMs: clock.nowMs(), info: '{"user":"u"}', tags: {} },
        ];
        for (const publication of publications) {
          await engine.append({ channel: door, publication, retention: keep });
        }
        expect((await engine.history(door, everything)).publications).toEqual(
          publications.map((publication, index) => ({ ...publication, offset: index + 1 })),
        );
      });

      test.each([
        ["from the oldest", {}, ["1", "2", "3", "4", "5"]],
        ["from the oldest, limited", { limit: 2 }, ["1", "2"]],
        ["after an offset", { sinceOffset: 3 }, ["4", "5"]],
        ["after an offset, limited", { sinceOffset: 1, limit: 2 }, ["2", "3"]],
        ["after the top", { sinceOffset: 5 }, []],
        ["beyond the top", { sinceOffset: 99 }, []],
        ["the position only", { limit: 0 }, []],
        ["reversed from the newest", { reverse: true, limit: 2 }, ["5", "4"]],
        ["reversed before an offset", { reverse: true, sinceOffset: 3 }, ["2", "1"]],
        [
          "reversed before an offset, limited",
          { reverse: true, sinceOffset: 4, limit: 2 },
          ["3", "2"],
        ],
        ["reversed before the first", { reverse: true, sinceOffset: 1 }, []],
        ["reversed before nothing", { reverse: true, sinceOffset: 0 }, []],
        ["reversed from beyond the top", { reverse: true, sinceOffset: 99, limit: 2 }, ["5", "4"]],
        ["everything reversed", { reverse: true }, ["5", "4", "3", "2", "1"]],
        ["the newest alone", { reverse: true, limit: 1 }, ["5"]],
      ] as [string, Partial<HistoryQuery>, string[]][])("reads %s", async (_, query, expected) => {
        await fill(5);
        expect(await dataOf(door, query)).toEqual(expected);
        expect((await engine.history(door, { ...everything, ...query })).top.offset).toBe(5);
      });

      test("knows every append that resolved before it was asked", async () => {
        for (let index = 1; index <= 30; index++) {
          await append(door, `${index}`);
          const { top, publications } = await engine.history(door, {
            ...everything,
            sinceOffset: index - 1,
          });
          expect([top.offset, publications.length]).toEqual([index, 1]);
        }
      });

      test("never returns a publication before it was delivered", async () => {
        const unseen: number[] = [];
        let appending = true;
        const appends = Promise.all(
          Array.from({ length: 20 }, async () => {
            for (let round = 0; round < 20; round++) await append(door, "1");
          }),
        ).finally(() => {
          appending = false;
        });
        while (appending) {
          const { top, publications } = await engine.history(door, { limit: 500, ttlMs: DAY_MS });
          const newest = Math.max(top.offset, ...publications.map(({ offset }) => offset));
          if (newest > events.length) unseen.push(newest);
        }
        await appends;
        expect(unseen).toEqual([]);
        expect(events).toHaveLength(400);
      });

      test("keeps no more than the retention's size", async () => {
        const retention = { sizeMax: 3, ttlMs: DAY_MS };
        for (const data of ["1", "2", "3", "4", "5"]) await append(door, data, { retention });
        expect(await dataOf(door)).toEqual(["3", "4", "5"]);
        expect((await engine.history(door, everything)).top.offset).toBe(5);
      });

      test.each([
        ["forward from older than the oldest kept", { sinceOffset: 1 }, ["3", "4", "5"]],
        ["reversed to the oldest kept", { reverse: true, sinceOffset: 5 }, ["4", "3"]],
        ["reversed from older than the oldest kept", { reverse: true, sinceOffset: 3 }, []],
      ] as [string, Partial<HistoryQuery>, string[]][])(
        "reads %s without an error",
        async (_, query, expected) => {
          const retention = { sizeMax: 3, ttlMs: DAY_MS };
          for (const data of ["1", "2", "3", "4", "5"]) await append(door, data, { retention });
          expect(await dataOf(door, query)).toEqual(expected);
        },
      );

      test("tells the newest publication's absence from its offset at the top", async () => {
        await append(door, "1", { retention: { sizeMax: 1, ttlMs: 5000 } });
        const newest = { limit: 1, reverse: true, ttlMs: DAY_MS };
        const { publications, top } = await engine.history(door, newest);
        expect(publications).toMatchObject([{ data: "1", offset: top.offset }]);
        clock.advance(5000);
        expect(await engine.history(door, newest)).toEqual({ top, publications: [] });
      });

      describe("bounded by bytes", () => {
        /** 4 bytes each, twice as many as there are characters. */
        const fillHeavy = async () => {
          for (let n = 0; n < 4; n++) await append(door, "éè");
        };
        const offsetsAndCut = async (query: Partial<HistoryQuery>) => {
          const found = await engine.history(door, { ...everything, ...query });
          expect(found.top.offset).toBe(4);
          const offsets: (number | string)[] = found.publications.map(({ offset }) => offset);
          return found.isCut === undefined ? offsets : [...offsets, "cut"];
        };

        test.each([
          ["all when they just fit", { maxBytes: 16 }, [1, 2, 3, 4]],
          ["all when whole and they just fit", { maxBytes: 16, whole: true }, [1, 2, 3, 4]],
          ["those that fit, in order", { maxBytes: 11 }, [1, 2, "cut"]],
          ["those that fit after an offset", { sinceOffset: 1, maxBytes: 8 }, [2, 3, "cut"]],
          ["those that fit, newest first", { reverse: true, maxBytes: 8 }, [4, 3, "cut"]],
          ["one however small the bound", { maxBytes: 0 }, [1, "cut"]],
          ["one that is the last without a cut", { sinceOffset: 3, maxBytes: 0 }, [4]],
          ["no cut where the limit ends the page", { limit: 2, maxBytes: 8 }, [1, 2]],
          ["no cut where nothing is asked for", { limit: 0, maxBytes: 0, whole: true }, []],
          ["nothing of what must be whole", { maxBytes: 15, whole: true }, ["cut"]],
          ["not even one that must be whole", { limit: 1, maxBytes: 3, whole: true }, ["cut"]],
          ["nothing that is not there, whole", { sinceOffset: 4, maxBytes: 0, whole: true }, []],
        ] as [string, Partial<HistoryQuery>, (number | string)[]][])(
          "returns %s",
          async (_, query, expected) => {
            await fillHeavy();
            expect(await offsetsAndCut(query)).toEqual(expected);
          },
        );

        test("counts tags and info too", async () => {
          const publication = { data: "1", timeMs: clock.nowMs(), tags: { a: "b" }, info: "{}" };
          await engine.append({ channel: door, publication, retention: keep });
          const bytes = 1 + '{"a":"b"}'.length + 2;
          const whole = { ...everything, whole: true };
          expect(await engine.history(door, { ...whole, maxBytes: bytes })).toMatchObject({
            publications: [publication],
          });
          expect(await engine.history(door, { ...whole, maxBytes: bytes - 1 })).toMatchObject({
            publications: [],
            isCut: true,
          });
        });

        test("leads through everything page by page", async () => {
          const data = ['"a"', '"much longer than a page"', '"b"', '"c"', '"d"'];
          for (const text of data) await append(door, text);
          const read: string[] = [];
          const readAfter = async (sinceOffset: number): Promise<void> => {
            const found = await engine.history(door, { ...everything, sinceOffset, maxBytes: 7 });
            read.push(found.publications.map((it) => it.data).join());
            const last = found.publications.at(-1);
            if (found.isCut && last) await readAfter(last.offset);
          };
          await readAfter(0);
          expect(read).toEqual(['"a"', '"much longer than a page"', '"b","c"', '"d"']);
        });

        test("answers many heavy readers at once, and those that need little", async () => {
          const heavy = `"${"x".repeat(400_000)}"`;
          await append(door, heavy);
          await append(gate, "1");
          const bounded = { ...everything, maxBytes: 8 * 1024 * 1024, whole: true };
          const channels = Array.from({ length: 60 }, (_, index) => (index % 3 ? gate : door));
          const found = await Promise.all(channels.map((it) => engine.history(it, bounded)));
          expect(found.map(({ publications }) => publications[0]?.data.length)).toEqual(
            channels.map((it) => (it === door ? heavy.length : 1)),
          );
        });
      });

      test("refuses a limit below 0 as a bug", async () => {
        await expect(engine.history(door, { ...everything, limit: -1 })).rejects.toBeInstanceOf(
          RangeError,
        );
      });

      test("follows a retention that shrinks", async () => {
        await fill(5);
        await append(door, "6", { retention: { sizeMax: 2, ttlMs: DAY_MS } });
        expect(await dataOf(door)).toEqual(["5", "6"]);
      });

      test("returns nothing older than the asked ttl or than its own retention", async () => {
        await append(door, "own ttl passes", { retention: { sizeMax: 100, ttlMs: 5000 } });
        await append(door, "asked ttl passes");
        clock.advance(5000);
        await append(door, "fresh");
        expect(await dataOf(door)).toEqual(["asked ttl passes", "fresh"]);
        expect(await dataOf(door, { ttlMs: 5000 })).toEqual(["fresh"]);
        expect(await dataOf(door, { ttlMs: 5000, reverse: true })).toEqual(["fresh"]);
      });

      test("stays as it was when time has been swept", async () => {
        await append(door, "old", { retention: { sizeMax: 100, ttlMs: 5000 } });
        const { epoch } = await append(door, "young");
        clock.advance(60_000);
        await engine.ping();
        expect(await engine.history(door, everything)).toMatchObject({
          top: { epoch, offset: 2 },
          publications: [{ data: "young", offset: 2 }],
        });
      });
    });

    describe("removeHistory()", () => {
      test("drops the publications of its channel and goes on counting", async () => {
        const { epoch } = await append(door, "1");
        await append(door, "2");
        await append(gate, "1");
        await engine.removeHistory(door);
        expect(await engine.history(door, everything)).toEqual({
          top: { epoch, offset: 2 },
          publications: [],
        });
        expect(await append(door, "3")).toMatchObject({ epoch, offset: 3 });
        expect(await dataOf(door)).toEqual(["3"]);
        expect(await dataOf(gate)).toEqual(["1"]);
      });

      test("leaves who was at the top recovered, and nobody else", async () => {
        const first = await append(door, "1");
        const second = await append(door, "2");
        expect(await recovers(door, first)).toBe(true);
        await engine.removeHistory(door);
        expect(await recovers(door, first)).toBe(false);
        expect(await recovers(door, second)).toBe(true);
        await append(door, "3");
        expect(await recovers(door, first)).toBe(false);
        expect(await recovers(door, second)).toBe(true);
      });

      test("drops what was appended before it and keeps what is appended after it", async () => {
        const calls = [append(door, "1"), engine.removeHistory(door), append(door, "2")];
        await Promise.all(calls);
        expect(await engine.history(door, everything)).toMatchObject({
          top: { offset: 2 },
          publications: [{ data: "2", offset: 2 }],
        });
        expect(events).toEqual(["device:door 1 1", "device:door 2 2"]);
      });

      test("keeps the ids and the version that the stream has seen", async () => {
        const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
        const version = { version: 7, epoch: "a" };
        const first = await append(door, "1", { dedupe, version });
        await engine.removeHistory(door);
        expect(await append(door, "2", { dedupe })).toEqual({ ...first, duplicate: true });
        expect(await append(door, "2", { version })).toEqual({ ...first, suppressed: true });
      });

      test("stays so when time has been swept, and can be done again", async () => {
        const { epoch } = await append(door, "1");
        await engine.removeHistory(door);
        await engine.removeHistory(door);
        await append(door, "2");
        await pass(60_000);
        expect(await dataOf(door)).toEqual(["2"]);
        await engine.removeHistory(door);
        expect((await engine.history(door, everything)).top).toEqual({ epoch, offset: 2 });
        expect(await dataOf(door)).toEqual([]);
      });

      test("does nothing to a stream nobody appended to", async () => {
        const before = await engine.history(door, everything);
        await engine.removeHistory(door);
        expect(await engine.history(door, everything)).toEqual(before);
      });
    });

    describe("a stream that nobody appends to", () => {
      const retention: Retention = { ...keep, metaTtlMs: 60_000 };
      /** Longer than the engine may take to forget. */
      const longAfter = 120_000;

      test("is forgotten after its time, and who knew it cannot recover", async () => {
        const known = await append(door, "1", { retention });
        await pass(longAfter);
        const { top, publications } = await engine.history(door, everything);
        expect({ offset: top.offset, publications }).toEqual({ offset: 0, publications: [] });
        expect(top.epoch).not.toBe(known.epoch);
        expect(await recovers(door, known)).toBe(false);
        expect(await append(door, "2", { retention })).toMatchObject({ ...top, offset: 1 });
        expect(await recovers(door, known)).toBe(false);
        expect(events).toEqual(["device:door 1 1", "device:door 1 2"]);
      });

      test("has another epoch in each of its lives", async () => {
        const epochs: string[] = [];
        for (let life = 0; life < 4; life++) {
          epochs.push((await append(door, "1", { retention })).epoch);
          await pass(longAfter);
        }
        expect(new Set(epochs).size).toBe(4);
      });

      test("is never forgotten before its time, counted from its last append", async () => {
        const { epoch } = await append(door, "1", { retention });
        for (const data of ["2", "3"]) {
          await pass(59_990);
          expect(await append(door, data, { retention })).toMatchObject({ epoch });
        }
        await pass(59_990);
        expect(await dataOf(door)).toEqual(["1", "2", "3"]);
        await pass(longAfter);
        expect(await dataOf(door)).toEqual([]);
      });

      test("is not kept by reading it or by what is refused", async () => {
        const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
        const version = { version: 7 };
        const { epoch } = await append(door, "1", { retention, dedupe, version });
        await pass(50_000);
        await append(door, "2", { retention, dedupe });
        await append(door, "2", { retention, version });
        await engine.history(door, everything);
        await pass(50_000);
        expect((await engine.history(door, everything)).top.epoch).not.toBe(epoch);
      });

      test("takes its version with it", async () => {
        await append(door, "1", { retention, version: { version: 7 } });
        await pass(longAfter);
        const again = await append(door, "2", { retention, version: { version: 1 } });
        expect(again).toMatchObject({ offset: 1, suppressed: false });
      });

      test("is forgotten also when its history was removed", async () => {
        const { epoch } = await append(door, "1", { retention });
        await engine.removeHistory(door);
        await pass(longAfter);
        expect((await engine.history(door, everything)).top).toMatchObject({ offset: 0 });
        expect((await engine.history(door, everything)).top.epoch).not.toBe(epoch);
      });

      test("is kept for good without such a time, and takes none of the others with it", async () => {
        const forGood = await append(gate, "1");
        const long = await append(parseChannel("device:long"), "1", {
          retention: { ...retention, metaTtlMs: DAY_MS },
        });
        await append(door, "1", { retention });
        await pass(longAfter);
        expect((await engine.history(gate, everything)).top.epoch).toBe(forGood.epoch);
        expect(await recovers(gate, forGood)).toBe(true);
        expect(await recovers(parseChannel("device:long"), long)).toBe(true);
      });

      test.each([
        ["lengthened", { ...keep, metaTtlMs: DAY_MS }, true],
        ["lifted", keep, true],
        ["shortened", { ...keep, metaTtlMs: 1000 }, false],
      ] as [string, Retention, boolean][])(
        "follows a time that is %s",
        async (_, changed, isKept) => {
          const { epoch } = await append(door, "1", { retention });
          await append(door, "2", { retention: changed });
          await pass(isKept ? longAfter : 20_000);
          expect((await engine.history(door, everything)).top.epoch === epoch).toBe(isKept);
        },
      );
    });

    describe("text with a NUL", () => {
      const nul = "e\0x";

      test.each([
        ["an id", { dedupe: { scope: "door", id: nul, ttlMs: DAY_MS } }],
        ["a scope", { dedupe: { scope: nul, id: "e1", ttlMs: DAY_MS } }],
        ["a version's epoch", { version: { version: 1, epoch: nul } }],
        ["data", { publication: { data: nul, timeMs: 0 } }],
        ["info", { publication: { data: "1", info: nul, timeMs: 0 } }],
      ] as [string, Partial<Append>][])("is refused as a bug in %s", async (_, more) => {
        await expect(append(door, "1", more)).rejects.toBeInstanceOf(RangeError);
        await append(gate, "1");
        expect(events).toEqual(["device:gate 1 1"]);
      });

      test("is kept in tags, which are escaped", async () => {
        const publication = { data: "1", timeMs: clock.nowMs(), tags: { [nul]: nul } };
        await engine.append({ channel: door, publication, retention: keep });
        expect((await engine.history(door, everything)).publications).toEqual([
          { ...publication, offset: 1 },
        ]);
      });
    });

    describe("its life", () => {
      test("ping() resolves while the store works", async () => {
        expect(await Promise.all([engine.ping(), engine.ping()])).toEqual([undefined, undefined]);
        expect(await engine.ping()).toBeUndefined();
      });

      test("disposing finishes what was asked for before", async () => {
        const appends = Array.from({ length: 200 }, (_, index) => append(door, `${index}`));
        const history = engine.history(door, everything);
        const bounded = engine.history(door, { ...everything, maxBytes: 8 * 1024 * 1024 });
        await engine[Symbol.asyncDispose]();
        expect((await Promise.all(appends)).at(-1)?.offset).toBe(200);
        expect(events).toHaveLength(200);
        expect((await history).top.epoch).toMatch(/^\S+$/);
        expect((await bounded).top).toEqual((await history).top);
      });

      test("disposing twice is harmless, and every call after it is refused", async () => {
        const both = [engine[Symbol.asyncDispose](), engine[Symbol.asyncDispose]()];
        await Promise.all(both);
        const publication = { data: "1", timeMs: 0 };
        const calls: (() => Promise<unknown>)[] = [
          () => append(door, "1"),
          () => engine.append({ channel: door, publication }),
          () => engine.history(door, everything),
          () => engine.removeHistory(door),
          () => engine.ping(),
        ];
        for (const call of calls) {
          const error = await call().then(
            () => "resolved",
            (reason: unknown) => reason,
          );
          expect(error).toBeInstanceOf(Fault);
          expect((error as Fault).code).toBe("draining");
        }
        expect(events).toEqual([]);
      });

      if (keepsAfterClose) {
        test("what was stored is there after opening again", async () => {
          const dedupe = { scope: "door", id: "e1", ttlMs: DAY_MS };
          const first = await append(door, "1", { dedupe });
          const empty = (await engine.history(gate, everything)).top;
          await reopen();
          expect(await engine.history(door, everything)).toMatchObject({
            top: { epoch: first.epoch, offset: 1 },
            publications: [{ data: "1" }],
          });
          expect((await engine.history(gate, everything)).top).toEqual(empty);
          expect(await append(door, "2", { dedupe })).toEqual({ ...first, duplicate: true });
          expect(await append(door, "2")).toEqual({ ...first, offset: 2 });
        });

        test("what a stream has seen is known after opening again", async () => {
          const version = { version: 7, epoch: "a" };
          const first = await append(door, "1", { version });
          await append(gate, "1");
          await engine.removeHistory(gate);
          await reopen();
          expect(await append(door, "2", { version })).toEqual({ ...first, suppressed: true });
          expect(await dataOf(gate)).toEqual([]);
          expect(await append(gate, "2")).toMatchObject({ offset: 2 });
        });

        test("what was forgotten stays so after opening again", async () => {
          const { epoch } = await append(door, "1", { retention: { ...keep, metaTtlMs: 1000 } });
          await pass(60_000);
          const { top } = await engine.history(door, everything);
          expect(top.epoch).not.toBe(epoch);
          await reopen();
          expect((await engine.history(door, everything)).top).toEqual(top);
        });
      } else {
        test("after opening again it starts a new epoch", async () => {
          const { epoch } = await append(door, "1");
          await reopen();
          const { top } = await engine.history(door, everything);
          expect(top.offset).toBe(0);
          expect(top.epoch).not.toBe(epoch);
        });
      }
    });
  });
}
