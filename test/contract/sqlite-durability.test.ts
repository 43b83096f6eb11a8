import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Channel, parseChannel } from "../../src/core/channel.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { NewDevice } from "../../src/core/ports/device-records.ts";
import type { Append, Engine } from "../../src/core/ports/engine.ts";
import { createSqliteEngine, type SqliteEngineOptions } from "../../src/engine/sqlite/engine.ts";
import { startWorker } from "../../src/engine/sqlite/start-worker.ts";
import type { WorkerEvent, WorkerLike } from "../../src/engine/sqlite/worker-link.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const door = parseChannel("device:door");
const gate = parseChannel("device:gate");
const hall = parseChannel("device:hall");

let place: string;
let file: string;
let clock: FakeClock;
let log: RecordingLog;
let delivered: string[];
let opened: AsyncDisposableStack;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "posthorn-sqlite-"));
  file = join(place, "data", "posthorn.db");
  clock = new FakeClock();
  log = new RecordingLog();
  delivered = [];
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  await opened.disposeAsync();
  await rm(place, { recursive: true });
});

async function open(options: Partial<SqliteEngineOptions> = {}): Promise<Engine> {
  const engine = await createSqliteEngine({
    location: { file },
    sync: "full",
    deliver: (_, { data }) => void delivered.push(data),
    outboxGrew: () => undefined,
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
    clock,
    entropy: createFakeEntropy(),
    log,
    ...options,
  });
  return opened.use(engine);
}

const entry = (data: string, more: Partial<Append> = {}): Append => ({
  channel: door,
  publication: { data, timeMs: clock.nowMs() },
  retention: { sizeMax: 1000, ttlMs: DAY_MS },
  ...more,
});

const device: NewDevice = {
  id: parseDeviceId("door"),
  name: "",
  meta: "{}",
  secretHash: "h",
  enrollment: "closed",
  createdAtMs: 0,
};

const everything = { limit: 1_000_000, ttlMs: Number.MAX_SAFE_INTEGER };

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );

describe("a killed process", () => {
  /** Runs a child that appends, kills it after some lines, and returns what it saw acknowledged. */
  async function appendUntilKilled(run: string, lines: number): Promise<string[]> {
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, "appending-child.ts"), file, run],
      {
        stdout: "pipe",
        stderr: "inherit",
      },
    );
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split("\n").length > lines) child.kill("SIGKILL");
    }
    expect(await child.exited).not.toBe(0);
    return text.split("\n").slice(0, -1);
  }

  test("loses no append it acknowledged, and leaves no gap", async () => {
    const acknowledged: string[] = [];
    for (const [run, lines] of [300, 1_500, 700].entries()) {
      acknowledged.push(...(await appendUntilKilled(`run${run}`, lines)));
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(2_500);

    const engine = await open();
    const stored = new Set<string>();
    for (let device = 0; device < 10; device++) {
      const channel = parseChannel(`device:d${device}`);
      const { top, publications } = await engine.history(channel, everything);
      expect(publications.map(({ offset }) => offset)).toEqual(
        Array.from({ length: top.offset }, (_, index) => index + 1),
      );
      for (const { offset, data } of publications) stored.add(`${channel} ${offset} ${data}`);
    }
    expect(acknowledged.filter((line) => !stored.has(line))).toEqual([]);
  }, 30_000);
});

describe("a slow commit", () => {
  /** Stands for a disk that is slow: no write gets through until it is released. */
  function holdWrites(): () => void {
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    return () => other.close();
  }

  test("delays neither reads nor deliveries without retention", async () => {
    const engine = await open();
    await engine.append(entry("before"));
    await engine.addDevice(device);
    const release = holdWrites();
    let resolved = false;
    const appending = engine.append(entry("slow")).finally(() => {
      resolved = true;
    });
    const { top } = await engine.history(gate, everything);
    expect(top.offset).toBe(0);
    expect(await engine.device(parseDeviceId("door"))).toBeDefined();
    expect(
      await engine.append({ channel: door, publication: { data: "live", timeMs: 0 } }),
    ).toEqual({
      epoch: "",
      offset: 0,
      duplicate: false,
      suppressed: false,
      mismatched: false,
    });
    expect(resolved).toBe(false);
    expect(delivered).toEqual(["before", "live"]);
    release();
    expect(await appending).toMatchObject({ offset: 2 });
  });

  test("makes ping() reject when it lasts too long", async () => {
    const engine = await open();
    const release = holdWrites();
    const pinged = codeOf(engine.ping());
    clock.advance(LIMITS.storePingTimeoutMs);
    expect(await pinged).toBe("store_failed");
    release();
  });

  test("lets only so much wait; what is more is refused with store_busy", async () => {
    const engine = await open({ location: "memory" });
    const appends = Array.from({ length: LIMITS.appendsQueued + 1 }, () =>
      engine.append(entry("1")),
    );
    expect(await codeOf(appends.pop() ?? Promise.resolve())).toBe("store_busy");
    expect((await Promise.all(appends)).at(-1)?.offset).toBe(LIMITS.appendsQueued);
  });
});

describe("a commit the main thread has not heard of", () => {
  /** A worker whose replies a test can hold back. */
  class HeldWorker implements WorkerLike {
    readonly #worker = startWorker();
    #held: (() => void)[] | undefined;
    #replied = Promise.withResolvers<void>();

    postMessage(message: Parameters<WorkerLike["postMessage"]>[0]): void {
      this.#worker.postMessage(message);
    }

    addEventListener(type: "message", listener: (event: WorkerEvent) => void): void {
      this.#worker.addEventListener(type, (event) => {
        if (this.#held === undefined) return listener(event);
        this.#held.push(() => listener(event));
        this.#replied.resolve();
      });
    }

    terminate(): void {
      this.#worker.terminate();
    }

    /** Holds replies from now on; resolves when there is one. */
    hold(): Promise<void> {
      this.#held = [];
      this.#replied = Promise.withResolvers();
      return this.#replied.promise;
    }

    release(): void {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const pass of held) pass();
    }
  }

  test("is delivered before history() returns it, and delays no other channel", async () => {
    const workers: HeldWorker[] = [];
    const events: string[] = [];
    const engine = await open({
      deliver: (_, { data }) => void events.push(`delivered ${data}`),
      start() {
        const worker = new HeldWorker();
        workers.push(worker);
        return worker;
      },
    });
    const committed = workers[0]?.hold();
    const appending = engine.append(entry("1")).then(() => events.push("appended"));
    await committed;
    const reading = engine.history(door, everything).then((history) => {
      events.push(`read ${history.publications.map(({ data }) => data)}`);
    });
    await engine.history(gate, everything);
    expect(events).toEqual([]);
    workers[0]?.release();
    await Promise.all([appending, reading]);
    expect(events[0]).toBe("delivered 1");
    expect(events.toSorted()).toEqual(["appended", "delivered 1", "read 1"]);
  });
});

describe("a storage thread that dies", () => {
  const WRITER = 0;
  const READER = 1;

  /** An engine whose workers, in the order of their starts, can be killed. */
  async function openMortal(location: SqliteEngineOptions["location"] = { file }) {
    const workers: Worker[] = [];
    const startsMs: number[] = [];
    const waiting: (() => void)[] = [];
    const mortal = {
      maxWorkers: Number.POSITIVE_INFINITY,
      started: (_: Worker): void => undefined,
    };
    const engine = await open({
      location,
      log: {
        ...log,
        info(event, fields) {
          log.info(event, fields);
          if (event === "store.recovered") waiting.shift()?.();
        },
      },
      start() {
        startsMs.push(clock.monotonicMs());
        if (workers.length >= mortal.maxWorkers) throw new Error("no more threads");
        const worker = startWorker();
        workers.push(worker);
        mortal.started(worker);
        return worker;
      },
    });
    return Object.assign(mortal, {
      engine,
      startsMs,
      // No message of ours: reading it throws outside of everything the worker catches.
      kill: (index: number) => workers[index]?.postMessage(null),
      /** Lets time pass until a thread works again. */
      async recover(afterMs: number) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        clock.advance(afterMs);
        await promise;
      },
    });
  }

  test("rejects what is pending, later writes and ping(), but never hangs", async () => {
    const { engine, kill } = await openMortal();
    await engine.append(entry("1"));
    kill(WRITER);
    const pending = [engine.append(entry("2")), engine.append(entry("3")), engine.ping()];
    expect(await Promise.all(pending.map(codeOf))).toEqual(Array(3).fill("store_failed"));
    expect(await codeOf(engine.append(entry("4")))).toBe("store_failed");
    expect(await codeOf(engine.ping())).toBe("store_failed");
    expect((await engine.history(door, everything)).publications).toHaveLength(1);
    expect(log.of("store.failed")).toHaveLength(1);
    await engine[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });

  test("is replaced, and what is stored from then on goes on where it ended", async () => {
    const { engine, kill, recover } = await openMortal();
    await engine.append(entry("1"));
    kill(WRITER);
    expect(await codeOf(engine.append(entry("2")))).toBe("store_failed");
    await recover(100);
    expect(await engine.append(entry("3"))).toMatchObject({ offset: 2 });
    expect(await codeOf(engine.ping())).toBe("resolved");
    expect(delivered).toEqual(["1", "3"]);
    expect(log.of("store.failed")).toMatchObject([{ thread: "open-writing" }]);
    expect(log.of("store.recovered")).toEqual([{ thread: "open-writing" }]);
    await engine[Symbol.asyncDispose]();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  test("is replaced also when it only reads, while writes go on", async () => {
    const { engine, kill, recover } = await openMortal();
    kill(READER);
    expect(await codeOf(engine.history(door, everything))).toBe("store_failed");
    expect(await codeOf(engine.ping())).toBe("store_failed");
    expect(await engine.append(entry("1"))).toMatchObject({ offset: 1 });
    await recover(100);
    expect((await engine.history(door, everything)).publications).toHaveLength(1);
    expect(await codeOf(engine.ping())).toBe("resolved");
  });

  test("is tried again ever more rarely while it cannot be replaced, and logged once", async () => {
    const mortal = await openMortal();
    mortal.maxWorkers = 2;
    mortal.kill(WRITER);
    for (let tries = 0; tries < 2_000; tries++) {
      expect(await codeOf(mortal.engine.ping())).toBe("store_failed");
      clock.advance(100);
    }
    const [, , ...restarts] = mortal.startsMs;
    const seconds = restarts.map((atMs, index) => (atMs - (restarts[index - 1] ?? 0)) / 1000);
    expect(seconds.slice(0, 12)).toEqual([
      0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30,
    ]);
    expect(log.of("store.failed").map(({ error }) => String(error))).toEqual([
      expect.stringContaining("the storage thread ended"),
      "Error: no more threads",
    ]);
    mortal.maxWorkers = 3;
    await mortal.recover(30_000);
    expect(await codeOf(mortal.engine.ping())).toBe("resolved");
  });

  test.each([
    ["soon when it had lasted", 30_000, 100],
    ["later when it had not", 29_000, 200],
  ])("a second time is replaced %s", async (_, livedMs, afterMs) => {
    const { engine, kill, recover, startsMs } = await openMortal();
    kill(WRITER);
    await codeOf(engine.ping());
    await recover(100);
    clock.advance(livedMs);
    kill(2);
    await codeOf(engine.ping());
    await recover(afterMs);
    expect(startsMs.slice(2)).toEqual([100, 100 + livedMs + afterMs]);
    expect(log.of("store.failed")).toHaveLength(2);
  });

  test("while it starts, is tried again once", async () => {
    const mortal = await openMortal();
    mortal.kill(WRITER);
    await codeOf(mortal.engine.ping());
    const died = Promise.withResolvers<void>();
    mortal.started = (worker) => {
      worker.addEventListener("close", () => died.resolve());
      worker.postMessage(null);
    };
    clock.advance(100);
    await died.promise;
    mortal.started = () => undefined;
    await mortal.recover(200);
    expect(mortal.startsMs.slice(2)).toEqual([100, 300]);
    // What is left is the sweep.
    expect(clock.pending).toBe(1);
  });

  test("while it is being replaced, disposing waits for that and leaves nothing behind", async () => {
    const { engine, kill, startsMs } = await openMortal();
    kill(WRITER);
    await codeOf(engine.ping());
    clock.advance(100);
    expect(startsMs).toHaveLength(3);
    await engine[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  test("takes a store in memory with it, for good, and says so", async () => {
    const { engine, kill, startsMs } = await openMortal("memory");
    await engine.append(entry("1"));
    kill(WRITER);
    expect(await codeOf(engine.history(door, everything))).toBe("store_failed");
    clock.advance(60_000);
    await expect(engine.ping()).rejects.toThrow(
      "what it kept in memory is lost; restart the server",
    );
    expect(startsMs).toHaveLength(1);
    expect(log.of("store.failed").map(({ error }) => String(error))).toEqual([
      expect.stringContaining("what it kept in memory is lost; restart the server"),
    ]);
  });
});

describe("a bug", () => {
  test("in one append fails that one alone", async () => {
    const engine = await open();
    const poison = entry("poison", { publication: { data: "poison", timeMs: 1.5 } });
    const appends = [entry("1"), poison, entry("2")].map((it) => engine.append(it));
    const outcomes = await Promise.allSettled(appends);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(delivered).toEqual(["1", "2"]);
    expect((await engine.history(door, everything)).top.offset).toBe(2);
  });

  test("in deliver costs no other publication its delivery", async () => {
    const seen: string[] = [];
    const engine = await open({
      deliver(_, { data }) {
        if (data === "2") throw new Error("a bug");
        seen.push(data);
      },
    });
    await Promise.all(["1", "2", "3"].map((data) => engine.append(entry(data))));
    expect(seen).toEqual(["1", "3"]);
    expect(log.of("task.failed")).toMatchObject([{ stage: "deliver", channel: door }]);
  });

  test("in outboxGrew costs nobody a delivery or an answer", async () => {
    const engine = await open({
      outboxGrew() {
        throw new Error("a bug");
      },
    });
    const row = { endpoint: "shop", type: "t", orderKey: "", body: "{}", createdAtMs: 0 };
    const appends = ["1", "2"].map((data) =>
      engine.append(entry(data, { outbox: [{ ...row, id: data }] })),
    );
    expect((await Promise.all(appends)).map(({ offset }) => offset)).toEqual([1, 2]);
    expect(delivered).toEqual(["1", "2"]);
    expect(log.of("task.failed")).toMatchObject([{ stage: "outbox" }, { stage: "outbox" }]);
  });
});

describe("the sweep", () => {
  const count = (table: string) => {
    using database = new DatabaseSync(file, { readOnly: true });
    return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  };

  test("deletes what is past its own time, also when that is much, and nothing else", async () => {
    const engine = await open();
    const dedupe = (id: string, ttlMs: number) => ({ scope: "door", id, ttlMs });
    const old = Array.from({ length: 1_200 }, (_, index) =>
      engine.append(
        entry("old", {
          channel: parseChannel(`device:d${index % 7}`),
          retention: { sizeMax: 1000, ttlMs: 5_000 },
          dedupe: dedupe(`old${index}`, 5_000),
        }),
      ),
    );
    await Promise.all([...old, engine.append(entry("young", { dedupe: dedupe("young", DAY_MS) }))]);
    expect([count("publication"), count("dedupe")]).toEqual([1_201, 1_201]);
    clock.advance(10_000);
    // Three rounds of 500 rows, each with the batch of one ping.
    for (let round = 0; round < 4; round++) await engine.ping();
    expect([count("publication"), count("dedupe"), count("channel")]).toEqual([1, 1, 8]);
    expect(await engine.append(entry("again", { dedupe: dedupe("young", DAY_MS) }))).toMatchObject({
      duplicate: true,
    });
  });

  test("deletes a removed history and a forgotten stream, also when they are much", async () => {
    const engine = await open();
    const brief = { sizeMax: 2_000, ttlMs: DAY_MS, metaTtlMs: 5_000 };
    const fill = (channel: Channel) =>
      Array.from({ length: 1_200 }, () => engine.append(entry("1", { channel, retention: brief })));
    await Promise.all([
      ...fill(door),
      ...fill(gate),
      engine.append(entry("kept", { channel: hall })),
    ]);
    await engine.removeHistory(door);
    expect([count("publication"), count("channel")]).toEqual([2_401, 4]);
    clock.advance(5_050);
    await Promise.all(fill(door));
    clock.advance(5_000);
    for (let round = 0; round < 8; round++) await engine.ping();
    expect(count("publication")).toBe(1_201);
    expect(count("channel")).toBe(2);
  });

  test("says how many events it forgot of which no endpoint was told", async () => {
    const engine = await open();
    const row = { type: "t", orderKey: "", body: "{}", createdAtMs: 0 };
    const rows = (endpoint: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...row, endpoint, id: `${index}` }));
    await engine.add([...rows("shop", 150), ...rows("bank", 60), ...rows("dead", 1)]);
    await engine.bury({ endpoint: "dead", id: "0" }, { atMs: clock.nowMs(), why: "said no" });
    for (let round = 0; round < 4; round++) {
      clock.advance(LIMITS.outboxKeptMs / 2);
      for (let batch = 0; batch < 4; batch++) await engine.ping();
    }
    expect(count("outbox")).toBe(0);
    expect(log.of("webhook.forgotten")).toEqual([
      { endpoint: "shop", events: 150 },
      { endpoint: "bank", events: 60 },
    ]);
  });

  test("ends with the engine", async () => {
    const engine = await open();
    expect(clock.pending).toBe(1);
    await engine[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });
});

describe("the file", () => {
  test("and its directory are for their owner alone", async () => {
    await (await open())[Symbol.asyncDispose]();
    await chmod(file, 0o666);
    const engine = await open();
    await engine.append(entry("1"));
    const modes = [join(place, "data"), file, `${file}-wal`, `${file}-shm`].map(async (path) =>
      ((await stat(path)).mode & 0o777).toString(8),
    );
    expect(await Promise.all(modes)).toEqual(["700", "600", "600", "600"]);
  });

  test("holds everything by itself once the engine is disposed", async () => {
    const engine = await open();
    await engine.append(entry("1"));
    await engine[Symbol.asyncDispose]();
    expect([existsSync(`${file}-wal`), existsSync(`${file}-shm`)]).toEqual([false, false]);
  });

  test("serves two engines at once, which see each other's commits", async () => {
    const [serving, cli] = await Promise.all([open(), open()]);
    const appends = Array.from({ length: 100 }, (_, index) =>
      (index % 2 ? serving : cli).append(entry(`${index}`)),
    );
    await cli.addDevice(device);
    expect(await serving.device(parseDeviceId("door"))).toMatchObject({ secretHash: "h" });
    const offsets = (await Promise.all(appends)).map(({ offset }) => offset);
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(await serving.history(door, everything)).toEqual(await cli.history(door, everything));
  });

  test("that is made is told of, with what an earlier store left; one that is there is not", async () => {
    await (await open())[Symbol.asyncDispose]();
    expect(log.of("store.made")).toEqual([{ file, leftovers: [] }]);
    await (await open())[Symbol.asyncDispose]();
    expect(log.of("store.made")).toHaveLength(1);
    await rm(file);
    await Bun.write(`${file}-shm`, "x");
    await open();
    expect(log.of("store.made")[1]).toEqual({ file, leftovers: ["posthorn.db-shm"] });
    expect(log.lines.find(({ event }) => event === "store.made")?.level).toBe("warn");
  });

  test.each([
    ["is missing", (database: string) => rm(database)],
    ["is empty", (database: string) => truncate(database)],
  ])("that %s while its log is there is not made anew: the log is kept", async (_, lose) => {
    const engine = await open();
    await engine.append(entry("1"));
    const [whole, log] = await Promise.all([
      Bun.file(file).bytes(),
      Bun.file(`${file}-wal`).bytes(),
    ]);
    await engine[Symbol.asyncDispose]();
    await Promise.all([Bun.write(file, whole), Bun.write(`${file}-wal`, log)]);
    await lose(file);
    await expect(open()).rejects.toThrow(
      /missing or empty.*posthorn.db-wal \(put the database back/,
    );
    expect(await Bun.file(`${file}-wal`).bytes()).toEqual(log);
    // Put back, it has everything.
    await Bun.write(file, whole);
    expect((await (await open()).history(door, everything)).publications).toHaveLength(1);
  });

  describe("that cannot be used", () => {
    /** A file with some content, made by an engine of ours. */
    async function makeFile(): Promise<Uint8Array> {
      const engine = await open();
      await Promise.all(Array.from({ length: 200 }, () => engine.append(entry("x".repeat(500)))));
      await engine[Symbol.asyncDispose]();
      return Bun.file(file).bytes();
    }

    async function refusalOf(content: Uint8Array | string): Promise<Error> {
      await Bun.write(file, content);
      const error = await open().then(
        () => new Error("it opened"),
        (reason: Error) => reason,
      );
      // Whatever it was, it is still there for who wants to repair it.
      expect(await Bun.file(file).bytes()).toEqual(Buffer.from(content));
      return error;
    }

    const garbage = Buffer.from("not a database, ".repeat(1000));
    test.each([
      ["text", () => garbage],
      ["too short", () => garbage.subarray(0, 50)],
      [
        "a damaged head",
        (whole: Uint8Array) => Buffer.concat([garbage.subarray(0, 100), whole.subarray(100)]),
      ],
      ["cut off", (whole: Uint8Array) => whole.subarray(0, whole.length / 2)],
      [
        "a damaged page",
        (whole: Uint8Array) =>
          Buffer.concat([
            whole.subarray(0, 8192),
            garbage.subarray(0, 4096),
            whole.subarray(12288),
          ]),
      ],
    ] as [string, (whole: Uint8Array) => Uint8Array][])(
      "%s: is refused with its name and a remedy, and kept",
      async (_, damage) => {
        const error = await refusalOf(damage(await makeFile()));
        expect(error).not.toBeInstanceOf(Fault);
        expect(error.message).toStartWith(`Cannot open database ${JSON.stringify(file)}: `);
        expect(error.message).toEndWith(
          "(restore it from a backup, or move it away to start empty)",
        );
      },
    );

    test("because a newer build wrote it: is refused with both versions", async () => {
      await makeFile();
      using database = new DatabaseSync(file);
      database.exec("PRAGMA user_version = 99");
      await expect(open()).rejects.toThrow(
        /Cannot open database ".*posthorn.db": its schema is 99, this build knows \d+ \(start the newer Posthorn that wrote it\)/,
      );
    });

    test("because it belongs to another program: is refused", async () => {
      file = join(place, "songs.db");
      using database = new DatabaseSync(file);
      database.exec("CREATE TABLE song (title TEXT)");
      await chmod(file, 0o644);
      await expect(open()).rejects.toThrow("it belongs to another program (choose another file)");
      expect(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"]).toBe("delete");
      expect((await stat(file)).mode & 0o777).toBe(0o644);
    });

    test("because it is a directory: is refused", async () => {
      file = place;
      await expect(open()).rejects.toThrow(/^Cannot open database .*EISDIR.*\(check the path/);
    });
  });
});
