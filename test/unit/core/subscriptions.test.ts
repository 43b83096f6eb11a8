import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { createHub } from "../../../src/core/hub.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { createSubscriptions } from "../../../src/core/subscriptions.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";

const CHANNEL = parseChannel("device:42");
const RETENTION = { sizeMax: 100, ttlMs: 60_000 };

function world() {
  const fanned: string[] = [];
  const hub = createHub({ publication: (_, { data }) => fanned.push(data), join() {}, leave() {} });
  const streams = new MemoryStreams(hub.deliver);
  const subscriptions = createSubscriptions({ streams, hub, recoveryMaxPublications: 300 });
  const publish = (data: string) =>
    streams.append({ channel: CHANNEL, publication: { data, timeMs: 0 }, retention: RETENTION });
  return { fanned, streams, subscriptions, publish };
}

const roomy = () => ({ maxBytes: 1_000_000, room: { leftBytes: 1_000_000 } });

function open(from: ReturnType<typeof world>, ...since: { epoch: string; offset: number }[]) {
  return from.subscriptions.open({
    channel: CHANNEL,
    rules: { retention: RETENTION, recoveryMode: "stream" },
    since,
    ...roomy(),
  });
}

describe("createSubscriptions()", () => {
  test("recovers what is stored and what arrives while it loads, each once", async () => {
    const it = world();
    await it.publish("1");
    await it.publish("2");
    const releaseHistory = it.streams.holdHistory();
    const opening = open(it, { epoch: "epochone", offset: 1 });
    await it.publish("3");
    releaseHistory();
    const opened = (await opening).complete();
    expect(opened).toMatchObject({ recovered: true, position: { offset: 1 } });
    expect(opened !== "insufficient" && opened.publications.map(({ data }) => data)).toEqual([
      "2",
      "3",
    ]);
  });

  test("holds nothing back any more once it is complete", async () => {
    const it = world();
    const opening = await open(it);
    opening.complete();
    await it.publish("1");
    expect(it.fanned).toEqual(["1"]);
    expect(opening.complete()).toMatchObject({ position: { offset: 0 }, publications: [] });
  });

  test("is insufficient when more arrives than may be held back", async () => {
    const it = world();
    const opening = await open(it, { epoch: "epochone", offset: 0 });
    for (let n = 0; n <= LIMITS.loadingMaxPublications; n += 1) await it.publish(String(n));
    expect(opening.complete()).toBe("insufficient");
  });

  test("is insufficient when what arrives has no room", async () => {
    const it = world();
    const room = { leftBytes: 1_000 };
    const opening = await it.subscriptions.open({
      channel: CHANNEL,
      rules: { retention: RETENTION, recoveryMode: "stream" },
      since: [],
      maxBytes: 0,
      room,
    });
    await it.publish(`"${"x".repeat(1_000)}"`);
    expect(opening.complete()).toBe("insufficient");
    expect(room.leftBytes).toBe(1_000);
  });

  test.each(["stream", "cache"] as const)(
    "recovers nothing of a %s that weighs more than it may, and holds none of it",
    async (recoveryMode) => {
      const it = world();
      for (const data of ["1", '"22"', '"333"']) await it.publish(data);
      const request = {
        channel: CHANNEL,
        rules: { retention: RETENTION, recoveryMode },
        since: [{ epoch: "epochone", offset: 1 }],
        room: { leftBytes: 1_000 },
      };
      const cut = await it.subscriptions.open({ ...request, maxBytes: 4 });
      expect(cut.loaded).toMatchObject({ publications: [], isCut: true });
      expect(cut.complete()).toMatchObject({ recovered: false, publications: [] });
      const fits = await it.subscriptions.open({ ...request, maxBytes: 9 });
      expect(fits.complete()).toMatchObject({ recovered: true });
    },
  );

  test("reads nothing of a cache for a client that does not ask", async () => {
    const it = world();
    await it.publish("1");
    const opening = await it.subscriptions.open({
      channel: CHANNEL,
      rules: { retention: RETENTION, recoveryMode: "cache" },
      since: [],
      ...roomy(),
    });
    expect(opening.loaded.publications).toEqual([]);
    expect(opening.complete()).toMatchObject({ position: { offset: 1 }, publications: [] });
  });

  test("picks the position of the stream's epoch from several", async () => {
    const it = world();
    await it.publish("1");
    await it.publish("2");
    const opening = await open(
      it,
      { epoch: "foreign1", offset: 9 },
      { epoch: "epochone", offset: 1 },
    );
    expect(opening.complete()).toMatchObject({ recovered: true, publications: [{ data: "2" }] });
  });

  test("says that nothing was recovered when none of several positions fits", async () => {
    const it = world();
    await it.publish("1");
    const opening = await open(
      it,
      { epoch: "foreign1", offset: 0 },
      { epoch: "foreign2", offset: 0 },
    );
    expect(opening.complete()).toMatchObject({ recovered: false, publications: [] });
  });

  test("recovers nothing in a channel that keeps nothing", async () => {
    const it = world();
    const since = [{ epoch: "", offset: 3 }];
    const opening = await it.subscriptions.open({
      channel: CHANNEL,
      rules: { recoveryMode: "stream" },
      since,
      ...roomy(),
    });
    expect(opening.complete()).toEqual({
      position: { epoch: "", offset: 0 },
      recovered: false,
      publications: [],
    });
  });

  test("leaves nothing behind when the store fails", async () => {
    const it = world();
    it.streams.history = () => Promise.reject(new Error("disk on fire"));
    await expect(open(it)).rejects.toThrow("disk on fire");
    await it.publish("1");
    expect(it.fanned).toEqual(["1"]);
  });
});
