import { describe, expect, test } from "bun:test";
import { deviceChannel } from "../../../src/core/channel.ts";
import type { OfferedEvent } from "../../../src/core/device-event.ts";
import { createDeviceEvents } from "../../../src/core/device-events.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { Append } from "../../../src/core/ports/engine.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";

const DEVICE = parseDeviceId("kiosk-1");
const OTHER = parseDeviceId("kiosk-2");
const NOW = 1_767_225_600_000;

const A = { type: "a", data: "1" };
const B = { type: "b", data: "2" };
const C = { type: "c", data: "3" };
const BAD = new Fault("event_invalid", { detail: "type: missing" });

/** Streams that count what they are asked for, and may be held or made to refuse. */
class WatchedStreams extends MemoryStreams {
  readonly appends: Append[] = [];
  refuse: (entry: Append) => Error | undefined = () => undefined;
  gate: Promise<void> = Promise.resolve();

  override async append(entry: Append) {
    this.appends.push(entry);
    await this.gate;
    const error = this.refuse(entry);
    if (error !== undefined) throw error;
    return super.append(entry);
  }
}

function world() {
  const delivered: [string, string][] = [];
  const streams = new WatchedStreams((channel, { data }) => delivered.push([channel, data]));
  const events = createDeviceEvents({
    metrics: UNCOUNTED,
    streams,
    clock: new FakeClock(NOW),
    entropy: createFakeEntropy(),
    fingerprint: (text) => `print of ${text}`,
    retention: { sizeMax: 10, ttlMs: 1000 },
    routes: (type) => (type === "sold" ? ["erp", "audit"] : []),
  });
  const post = async (list: readonly OfferedEvent[], key?: string, device = DEVICE) => {
    const { outcomes, refusal } = await events.begin(device, { key }).store(list, "last");
    return { outcomes: outcomes.map(briefly), ...(refusal && { refusal: refusal.code }) };
  };
  return { delivered, streams, events, post };
}

/** "id@offset", marked when it is a duplicate, or the code of a refusal. */
function briefly(outcome: { id: string; offset: number; duplicate: boolean } | Fault): string {
  if (outcome instanceof Fault) return outcome.code;
  return `${outcome.id}@${outcome.offset}${outcome.duplicate ? " again" : ""}`;
}

describe("createDeviceEvents()", () => {
  test("publishes the event on the device's channel with its payload untouched", async () => {
    const { delivered, post } = world();
    const data = '{"9":1, "1":9007199254740993,"x":1.0}';
    expect(await post([{ id: "e1", type: "sold", data }])).toEqual({ outcomes: ["e1@1"] });
    expect(delivered).toEqual([
      [
        deviceChannel(DEVICE),
        `{"id":"e1","type":"sold","device":"kiosk-1","time":${NOW},"data":${data}}`,
      ],
    ]);
  });

  test("keeps the device's own time, however wrong", async () => {
    const { delivered, post } = world();
    await post([{ id: "e1", type: "boot", data: "null", time: '"1970-01-01T00:00:07Z"' }]);
    expect(delivered[0]?.[1]).toContain('"time":"1970-01-01T00:00:07Z"');
  });

  test("gives every webhook that wants the type its row with the same append, and no other one", async () => {
    const { streams, post, delivered } = world();
    await post([{ id: "e1", type: "sold", data: "7" }, A]);
    const [sold, other] = streams.appends;
    expect(sold?.outbox?.map(({ endpoint, type, orderKey }) => [endpoint, type, orderKey])).toEqual(
      [
        ["erp", "sold", DEVICE],
        ["audit", "sold", DEVICE],
      ],
    );
    expect(sold?.outbox?.[0]?.body).toContain(`"data":${delivered[0]?.[1]}`);
    expect(other).not.toHaveProperty("outbox");
  });

  test("refuses what is Posthorn's own in its place and names it", async () => {
    const { events } = world();
    const list = [A, { type: "device.online", data: "1" }, { type: "command.done", data: "1" }];
    const { outcomes } = await events.begin(DEVICE).store(list, "last");
    expect(outcomes[0]).toMatchObject({ offset: 1 });
    expect(outcomes[1]).toMatchObject({ code: "event_type_reserved" });
    expect(String(outcomes[1])).toContain('"device.online"');
    expect(outcomes[2]).toMatchObject({ code: "event_type_reserved" });
  });

  test("refuses the whole from the first event on that the store cannot take", async () => {
    const { streams, post } = world();
    streams.refuse = ({ publication }) =>
      publication.data.includes('"type":"b"') ? new Fault("store_busy") : undefined;
    expect(await post([A, BAD, B, C])).toEqual({
      outcomes: ["uuid-1@1", "event_invalid"],
      refusal: "store_busy",
    });
  });

  test("lets a bug through", async () => {
    const { streams, post } = world();
    streams.refuse = () => new TypeError("canary");
    await expect(post([A])).rejects.toThrow("canary");
    await expect(post([A], "k")).rejects.toThrow("canary");
  });
});

describe("an event's own id", () => {
  test("makes a repetition a duplicate at the first offset, delivered once, whatever its time", async () => {
    const { delivered, post } = world();
    await post([{ id: "e1", ...A, time: "1" }]);
    expect(await post([{ id: "e1", ...A, time: "2" }])).toEqual({ outcomes: ["e1@1 again"] });
    expect(delivered).toHaveLength(1);
  });

  test.each([
    ["type", { id: "e1", type: "b", data: "1" }],
    ["data", { id: "e1", type: "a", data: "2" }],
  ])("with another %s is refused in its place, and says so", async (_, event) => {
    const { events, post, delivered } = world();
    await post([{ id: "e1", ...A }]);
    const { outcomes } = await events.begin(DEVICE).store([event, B], "last");
    expect(outcomes[0]).toMatchObject({ code: "event_id_reused" });
    expect(String(outcomes[0])).toContain('"e1"');
    expect(outcomes[1]).toMatchObject({ offset: 2 });
    expect(delivered).toHaveLength(2);
  });

  test("is that device's alone", async () => {
    const { post } = world();
    await post([{ id: "e1", ...A }]);
    expect(await post([{ id: "e1", ...B }], undefined, OTHER)).toEqual({ outcomes: ["e1@1"] });
  });
});

describe("a request's key", () => {
  test("names its only event, or each by its place", async () => {
    const { post } = world();
    expect(await post([A], "k1")).toEqual({ outcomes: ["k1@1"] });
    expect(await post([A, B], "k2")).toEqual({ outcomes: ["k2:0@2", "k2:1@3"] });
  });

  test("makes a repetition answer the same, marked as duplicates, refusals included", async () => {
    const { delivered, post } = world();
    const list = [A, BAD, { id: "own", ...B }, C];
    const first = ["k:0@1", "event_invalid", "own@2", "k:3@3"];
    const again = ["k:0@1 again", "event_invalid", "own@2 again", "k:3@3 again"];
    expect(await post(list, "k")).toEqual({ outcomes: first });
    expect(await post(list, "k")).toEqual({ outcomes: again });
    expect(await post([A, BAD, { id: "own", ...B }, { ...C, time: "9" }], "k")).toEqual({
      outcomes: again,
    });
    expect(delivered).toHaveLength(3);
  });

  test.each<readonly [string, readonly OfferedEvent[], readonly OfferedEvent[]]>([
    ["a changed event", [A], [B]],
    ["a list for a single event", [A], [A, B]],
    ["a single event for a list", [A, B], [A]],
    ["more events", [A, B], [A, B, C]],
    ["fewer events", [A, B, C], [A, B]],
    ["a changed last event", [A, B, C], [A, B, B]],
    ["a changed order", [A, B], [B, A]],
    ["an event mended", [A, BAD], [A, B]],
    ["a first event that was refused before", [BAD, A], [B, A]],
    ["another event with an id of its own", [A, { id: "x", ...B }], [A, { id: "y", ...B }]],
  ])("is refused as a whole for %s, and nothing is stored", async (_, first, second) => {
    const { delivered, post } = world();
    await post(first, "k");
    const before = delivered.length;
    expect(await post(second, "k")).toEqual({ outcomes: [], refusal: "event_id_reused" });
    expect(delivered).toHaveLength(before);
  });

  test("lets events with ids before the first that it names be stored, and says so", async () => {
    const { post } = world();
    await post([A], "k");
    expect(await post([{ id: "own", ...C }, B], "k")).toEqual({
      outcomes: ["own@2"],
      refusal: "event_id_reused",
    });
  });

  test("stores the rest when the first try ended before all was stored", async () => {
    const { streams, post, delivered } = world();
    streams.refuse = ({ publication }) =>
      publication.data.includes('"type":"c"') ? new Fault("store_failed") : undefined;
    expect(await post([A, B, C], "k")).toMatchObject({ refusal: "store_failed" });
    streams.refuse = () => undefined;
    expect(await post([A, B, C], "k")).toEqual({
      outcomes: ["k:0@1 again", "k:1@2 again", "k:2@3"],
    });
    expect(delivered).toHaveLength(3);
  });

  test("is not used up by a request that stored nothing", async () => {
    const { post } = world();
    expect(await post([BAD], "k")).toEqual({ outcomes: ["event_invalid"] });
    expect(await post([A], "k")).toEqual({ outcomes: ["k@1"] });
  });

  test("never meets an id that reads like one of its places", async () => {
    const { post } = world();
    await post([A, B], "k");
    expect(await post([C], "k:1")).toEqual({ outcomes: ["k:1@3"] });
    expect(await post([{ id: "k:0", ...C }])).toEqual({ outcomes: ["k:0@4"] });
  });

  test("is refused while a request with it is being stored, for that device only", async () => {
    const { streams, post } = world();
    const held = Promise.withResolvers<void>();
    streams.gate = held.promise;
    const first = post([A], "k");
    expect(await post([A], "k")).toEqual({ outcomes: [], refusal: "key_in_flight" });
    const others = [post([A], "other"), post([A], "k", OTHER)];
    held.resolve();
    expect(await first).toEqual({ outcomes: ["k@1"] });
    expect(await Promise.all(others)).toEqual([{ outcomes: ["other@2"] }, { outcomes: ["k@1"] }]);
    expect(await post([A], "k")).toEqual({ outcomes: ["k@1 again"] });
  });

  test("can be used again after the store failed", async () => {
    const { streams, post } = world();
    streams.refuse = () => new Fault("store_failed");
    expect(await post([A], "k")).toEqual({ outcomes: [], refusal: "store_failed" });
    streams.refuse = () => undefined;
    expect(await post([A], "k")).toEqual({ outcomes: ["k@1"] });
  });
});

describe("a request in parts", () => {
  const PARTS = [[A, B], [C, A], [B]];

  async function postParts(
    { events }: ReturnType<typeof world>,
    parts: readonly (readonly OfferedEvent[])[],
    key?: string,
  ) {
    const post = events.begin(DEVICE, { key });
    const outcomes: string[] = [];
    for (const [index, part] of parts.entries()) {
      const stored = await post.store(part, index === parts.length - 1 ? "last" : "more");
      outcomes.push(...stored.outcomes.map(briefly));
      if (stored.refusal !== undefined) return [...outcomes, `refused: ${stored.refusal.code}`];
    }
    return outcomes;
  }

  test("goes on counting and is known again", async () => {
    const all = world();
    expect(await postParts(all, PARTS, "k")).toEqual(["k:0@1", "k:1@2", "k:2@3", "k:3@4", "k:4@5"]);
    expect(await postParts(all, PARTS, "k")).toEqual(
      [1, 2, 3, 4, 5].map((offset) => `k:${offset - 1}@${offset} again`),
    );
  });

  test("that broke off goes on where it ended when it comes again", async () => {
    const all = world();
    const post = all.events.begin(DEVICE, { key: "k" });
    await post.store([A, B], "more");
    expect(await post.store([C], "broken")).toEqual({ outcomes: [] });
    expect(all.delivered).toHaveLength(2);
    expect(await postParts(all, PARTS, "k")).toEqual([
      "k:0@1 again",
      "k:1@2 again",
      "k:2@3",
      "k:3@4",
      "k:4@5",
    ]);
  });

  test("that broke off keeps what has come when no key can name the rest", async () => {
    const { events, delivered } = world();
    const post = events.begin(DEVICE);
    const { outcomes } = await post.store([A, B], "broken");
    expect(outcomes.map(briefly)).toEqual(["uuid-1@1", "uuid-2@2"]);
    expect(delivered).toHaveLength(2);
  });

  test.each([
    ["more events than before", [...PARTS.slice(0, 2), [B, C]]],
    ["more parts than before", [...PARTS.slice(0, 2), [B], [C]]],
    ["fewer parts than before", PARTS.slice(0, 2)],
  ])("that has %s is refused before anything new is stored", async (_, parts) => {
    const all = world();
    await postParts(all, PARTS, "k");
    expect((await postParts(all, parts, "k")).at(-1)).toBe("refused: event_id_reused");
    expect(all.delivered).toHaveLength(5);
  });
});
