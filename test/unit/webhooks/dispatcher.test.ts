import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Courier } from "../../../src/core/ports/courier.ts";
import type { OutboxEntry } from "../../../src/core/ports/outbox.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { createWebhookDispatcher } from "../../../src/webhooks/dispatcher.ts";
import { createSigner } from "../../../src/webhooks/signature.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../../support/fake-webhook-receiver.ts";
import { MemoryOutbox, Shelf } from "../../support/memory-outbox.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { FakeCourier } from "./fake-courier.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 60 * 60 * SECOND_MS;
/** Less than any wait of the dispatcher. */
const STEP_MS = 5 * SECOND_MS;
const BOUNDS = {
  rowsMax: 1_000,
  maxBytes: 1_000_000,
  deadLettersMax: 100,
  orderedFailures: LIMITS.webhookAttemptsInOrder,
};

interface WorldOptions {
  readonly courier?: (clock: FakeClock) => Courier;
  readonly endpoints?: Readonly<Record<string, string>>;
  readonly fraction?: number;
}

class World {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly shelf = new Shelf();
  readonly outbox = new MemoryOutbox(this.clock, BOUNDS, this.shelf);
  readonly courier = new FakeCourier();
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
  }

  /** Starts a dispatcher; what is in the outbox goes out at once. */
  async start() {
    const { endpoints = { shop: "http://shop/", bank: "http://bank/" }, fraction = 0 } =
      this.#options;
    const dispatcher = createWebhookDispatcher({
      metrics: UNCOUNTED,
      endpoints: Object.entries(endpoints).map(([name, url]) => ({
        name,
        url,
        signer: createSigner(WEBHOOK_SECRET),
      })),
      outbox: this.outbox,
      courier: this.#options.courier?.(this.clock) ?? this.courier,
      clock: this.clock,
      entropy: createFakeEntropy(fraction),
      log: this.log,
    });
    await settled();
    return dispatcher;
  }

  entry(id: string, more: Partial<OutboxEntry> = {}): OutboxEntry {
    return {
      endpoint: "shop",
      id,
      type: "device.online",
      orderKey: "",
      body: `{"id":"${id}"}`,
      createdAtMs: this.clock.nowMs(),
      ...more,
    };
  }

  add(...entries: readonly (string | OutboxEntry)[]): Promise<void> {
    return this.outbox.add(entries.map((it) => (typeof it === "string" ? this.entry(it) : it)));
  }

  /** Lets time pass, and whatever becomes due happen in between. */
  async pass(ms: number): Promise<void> {
    for (let restMs = ms; restMs > 0; restMs -= STEP_MS) {
      this.clock.advance(Math.min(restMs, STEP_MS));
      await settled();
    }
  }

  /** What still waits for an endpoint, with how often it failed. */
  left(endpoint = "shop"): readonly string[] {
    const rows = this.shelf.items.filter((it) => it.endpoint === endpoint && !it.death);
    return rows.map(({ id, failures }) => `${id} ${failures}`);
  }

  async dead(): Promise<readonly string[]> {
    const letters = await this.outbox.deadLetters({ limit: 1_000 });
    return letters.map(({ id, failures, why }) => `${id} ${failures} ${why}`);
  }
}

/** Lets every promise that needs no timer and no network settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

describe("the dispatcher", () => {
  test("delivers what the outbox held already, and forgets it", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await world.add("1", "2", world.entry("1", { endpoint: "bank" }));
    await using _ = await world.start();
    expect(world.courier.sent.map(({ url, id }) => `${url} ${id}`).toSorted()).toEqual([
      "http://bank/ 1",
      "http://shop/ 1",
      "http://shop/ 2",
    ]);
    expect([world.left(), world.left("bank")]).toEqual([[], []]);
    expect(world.log.of("webhook.delivered")).toHaveLength(3);
  });

  test("delivers what is added as soon as it is told", async () => {
    const world = new World();
    await using dispatcher = await world.start();
    await world.add("1");
    dispatcher.rowsAdded(["nobody", "shop"]);
    expect(world.courier.ids).toEqual([]); // whoever tells it does not wait for it
    await settled();
    expect(world.courier.ids).toEqual(["1"]);
    world.courier.last("1").answer(204);
    await settled();
  });

  test("delivers what it was not told of a little later", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await using _ = await world.start();
    await world.add("1");
    await world.pass(LIMITS.webhookPollMs - 1);
    expect(world.courier.ids).toEqual([]);
    await world.pass(1);
    expect(world.courier.ids).toEqual(["1"]);
  });

  test("loses no word said while it looks", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await using dispatcher = await world.start();
    for (let round = 0; round < 200; round++) {
      await world.add(String(round));
      dispatcher.rowsAdded(["shop"]);
      for (let turn = 0; turn < round % 20; turn++) await Promise.resolve();
    }
    await settled();
    expect(world.courier.sent).toHaveLength(200);
  });

  test("hears what is said while it looks", async () => {
    const world = new World({ endpoints: { shop: "http://shop/" } });
    world.courier.script = () => 204;
    const looked = Promise.withResolvers<void>();
    const take = world.outbox.take.bind(world.outbox);
    world.outbox.take = async (query) => {
      const taken = await take(query);
      await looked.promise;
      return taken;
    };
    await using dispatcher = await world.start();
    await world.add("1");
    dispatcher.rowsAdded(["shop"]);
    looked.resolve();
    await settled();
    expect(world.courier.ids).toEqual(["1"]);
  });

  test("bounds every request", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await world.add("1");
    await using _ = await world.start();
    expect(world.courier.last("1").request).toMatchObject({
      method: "POST",
      timeoutMs: 10_000,
      answerMaxBytes: LIMITS.webhookAnswerMaxBytes,
      headers: { "content-type": "application/json" },
      body: '{"id":"1"}',
    });
  });
});

describe("a delivery that fails", () => {
  test("is tried again from seconds to hours, for about a day, and then is a dead letter", async () => {
    const world = new World();
    world.courier.script = () => 500;
    await world.add("1");
    const startedAtMs = world.clock.nowMs();
    const attempts = [0];
    await using _ = await world.start();
    while (world.courier.sent.length < LIMITS.webhookAttempts) {
      const sent = world.courier.sent.length;
      await world.pass(5 * SECOND_MS);
      if (world.courier.sent.length > sent) attempts.push(world.clock.nowMs() - startedAtMs);
    }
    const waits = attempts.slice(1).map((atMs, index) => atMs - (attempts[index] ?? 0));
    expect(waits.map((ms) => ms / SECOND_MS)).toEqual([
      5, 15, 45, 135, 405, 1215, 3645, 10935, 21600, 21600, 21600,
    ]);
    expect(attempts.at(-1)).toBeWithin(22 * HOUR_MS, 23 * HOUR_MS);
    await world.pass(48 * HOUR_MS);
    expect(world.courier.sent).toHaveLength(LIMITS.webhookAttempts);
    expect(await world.dead()).toEqual(["1 12 answered with status 500"]);
    expect(world.log.of("webhook.dead")).toEqual([
      {
        endpoint: "shop",
        id: "1",
        type: "device.online",
        why: "answered with status 500",
        attempts: 12,
      },
    ]);
  });

  test("keeps its id and its body, and is signed anew", async () => {
    const world = new World();
    await world.add("1");
    await using _ = await world.start();
    world.courier.last("1").lose("did not answer within 10000 ms");
    await settled();
    await world.pass(5 * SECOND_MS);
    const [first, second] = world.courier.sent.map(({ request }) => request);
    expect(second?.body).toBe(first?.body as string);
    const { "webhook-id": id, ...others } = second?.headers ?? {};
    expect(id).toBe("1");
    expect(others["webhook-timestamp"]).not.toBe(first?.headers?.["webhook-timestamp"]);
    expect(others["webhook-signature"]).not.toBe(first?.headers?.["webhook-signature"]);
    world.courier.last("1").answer(204);
    await settled();
    expect(world.left()).toEqual([]);
    expect(world.log.of("webhook.failed")).toEqual([
      {
        endpoint: "shop",
        id: "1",
        type: "device.online",
        why: "did not answer within 10000 ms",
        attempts: 1,
        retryMs: 5_000,
      },
    ]);
  });

  test("waits a little longer by chance", async () => {
    const world = new World({ fraction: 0.5 });
    world.courier.script = () => 500;
    await world.add("1");
    await using _ = await world.start();
    await world.pass(5_499);
    expect(world.courier.sent).toHaveLength(1);
    await world.pass(1);
    expect(world.courier.sent).toHaveLength(2);
  });

  test.each([
    [199, false],
    [200, true],
    [204, true],
    [299, true],
    [301, false],
    [400, false],
    [401, false],
    [404, false],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])("is what status %d makes of it: delivered is %p", async (status, isDelivered) => {
    const world = new World();
    world.courier.script = () => status;
    await world.add("1");
    await using _ = await world.start();
    expect(world.left()).toEqual(isDelivered ? [] : ["1 1"]);
  });

  test("comes to life again when its dead letter is replayed", async () => {
    const world = new World();
    await world.add("1");
    await world.outbox.bury(world.entry("1"), { atMs: world.clock.nowMs(), why: "is over" });
    world.courier.script = () => 204;
    await using dispatcher = await world.start();
    expect(world.courier.ids).toEqual([]);
    await world.outbox.replay(world.entry("1"));
    dispatcher.rowsAdded(["shop"]);
    await settled();
    expect(world.courier.ids).toEqual(["1"]);
    expect(await world.dead()).toEqual([]);
  });
});

describe("an endpoint", () => {
  test("gets only so much at a time, and delays no other", async () => {
    const world = new World();
    await world.add(...Array.from({ length: 20 }, (_, index) => `s${index}`));
    await world.add(world.entry("b", { endpoint: "bank" }));
    await using _ = await world.start();
    const shop = world.courier.sent.filter(({ url }) => url === "http://shop/");
    expect(shop).toHaveLength(LIMITS.webhooksAtATime);
    world.courier.last("b").answer(204);
    await settled();
    expect(world.left("bank")).toEqual([]);
    world.courier.last("s3").answer(204);
    await settled();
    expect(world.courier.ids.at(-1)).toBe("s8");
    world.courier.script = () => 204;
    for (const parcel of world.courier.sent) parcel.answer(204);
    await settled();
    expect(world.left()).toEqual([]);
  });

  test("hears of one device in order, and of others meanwhile", async () => {
    const world = new World();
    const of = (device: string, id: string) => world.entry(id, { orderKey: device });
    await world.add(of("door", "d1"), of("door", "d2"), of("gate", "g1"));
    await using _ = await world.start();
    expect(world.courier.ids).toEqual(["d1", "g1"]);
    world.courier.last("d1").answer(500);
    world.courier.last("g1").answer(204);
    await settled();
    await world.pass(4_999);
    expect(world.courier.ids).toEqual(["d1", "g1"]);
    await world.pass(1);
    expect(world.courier.ids).toEqual(["d1", "g1", "d1"]);
    world.courier.last("d1").answer(204);
    await settled();
    expect(world.courier.ids).toEqual(["d1", "g1", "d1", "d2"]);
    world.courier.last("d2").answer(204);
    await settled();
  });

  test("that never takes one event gets the next ones of the device after ten minutes", async () => {
    const world = new World();
    world.courier.script = ({ id }) => (id === "poison" ? 400 : 204);
    await world.add(...["poison", "next"].map((id) => world.entry(id, { orderKey: "door" })));
    await using _ = await world.start();
    for (let second = 0; second < 199; second++) await world.pass(SECOND_MS);
    expect(world.courier.ids).not.toContain("next");
    for (let second = 0; second < 401; second++) await world.pass(SECOND_MS);
    expect(world.courier.ids).toEqual([...Array(5).fill("poison"), "next"]);
  });

  test("that is gone gets nothing any more, loses nothing, and is told of loudly", async () => {
    const world = new World();
    world.courier.script = ({ url }) => (url === "http://shop/" ? 410 : 204);
    await world.add("1", "2");
    await using dispatcher = await world.start();
    await world.add("3", world.entry("b", { endpoint: "bank" }));
    dispatcher.rowsAdded(["shop", "bank"]);
    await world.pass(24 * HOUR_MS);
    expect(world.courier.ids).toEqual(["1", "2", "b"]);
    expect(world.left()).toEqual(["1 1", "2 1", "3 0"]);
    const told = world.log.lines.filter(({ event }) => event === "webhook.disabled");
    expect(told).toEqual([
      {
        level: "error",
        event: "webhook.disabled",
        fields: {
          endpoint: "shop",
          why: "answered with status 410",
          remedy: expect.stringContaining("/v1/webhooks/dead/replay"),
        },
      },
    ]);
    expect(dispatcher.whyDisabled("shop")).toBe("answered with status 410");
    expect(dispatcher.whyDisabled("bank")).toBeUndefined();
  });

  test("that was gone gets everything when it is enabled again, and may go once more", async () => {
    const world = new World();
    world.courier.script = () => 410;
    await world.add("1", "2");
    await using dispatcher = await world.start();
    world.courier.script = () => 204;
    await world.pass(HOUR_MS);
    dispatcher.enable("nobody");
    dispatcher.enable("bank");
    dispatcher.enable("shop");
    expect(dispatcher.whyDisabled("shop")).toBeUndefined();
    await settled();
    expect(world.left()).toEqual([]);
    expect(world.log.of("webhook.enabled")).toEqual([{ endpoint: "shop" }]);
    world.courier.script = () => 410;
    await world.add("3");
    dispatcher.rowsAdded(["shop"]);
    await settled();
    expect(dispatcher.whyDisabled("shop")).toBe("answered with status 410");
    expect(world.log.of("webhook.disabled")).toHaveLength(2);
  });

  test("that is enabled after the end stays as it is", async () => {
    const world = new World();
    world.courier.script = () => 410;
    await world.add("1");
    const dispatcher = await world.start();
    await dispatcher[Symbol.asyncDispose]();
    dispatcher.enable("shop");
    await world.pass(HOUR_MS);
    expect(world.courier.ids).toEqual(["1"]);
    expect(world.clock.pending).toBe(0);
  });

  test.each([429, 503])("that says %d and Retry-After is left alone that long", async (status) => {
    const world = new World();
    await world.add("1");
    await using dispatcher = await world.start();
    world.courier.last("1").answer(status, { "retry-after": "120" });
    await settled();
    await world.add("2", world.entry("b", { endpoint: "bank" }));
    world.courier.script = () => 204;
    dispatcher.rowsAdded(["shop", "bank"]);
    await world.pass(119_999);
    expect(world.courier.ids).toEqual(["1", "b"]);
    await world.pass(1);
    expect(world.courier.ids.slice(2).toSorted()).toEqual(["1", "2"]);
  });

  test.each([
    ["Fri, 02 Jan 2026 00:00:00 GMT", LIMITS.webhookPauseMaxMs],
    ["99999999", LIMITS.webhookPauseMaxMs],
    ["1", 5 * SECOND_MS],
    ["soon", 5 * SECOND_MS],
    ["120 behind a 500", 5 * SECOND_MS],
  ])("that wants a pause until %s gets %d ms", async (wanted, waitMs) => {
    const world = new World();
    await world.add("1");
    await using _ = await world.start();
    const [retryAfter = "", status = "503"] = wanted.split(" behind a ");
    world.courier.last("1").answer(Number(status), { "retry-after": retryAfter });
    await settled();
    await world.pass(waitMs - 1);
    expect(world.courier.sent).toHaveLength(1);
    world.courier.script = () => 204;
    await world.pass(1);
    expect(world.courier.sent).toHaveLength(2);
  });

  test("that wanted a pause gets it from the next process too", async () => {
    const world = new World();
    await world.add("1");
    const dispatcher = await world.start();
    world.courier.last("1").answer(503, { "retry-after": "120" });
    await settled();
    await dispatcher[Symbol.asyncDispose]();
    world.courier.script = () => 204;
    await using _ = await world.start();
    await world.pass(119_999);
    expect(world.courier.ids).toEqual(["1"]);
    await world.pass(1);
    expect(world.courier.ids).toEqual(["1", "1"]);
  });

  test("that fails without saying how long still gets what else there is", async () => {
    const world = new World();
    world.courier.script = ({ id }) => (id === "1" ? 503 : 204);
    await world.add("1", "2");
    await using _ = await world.start();
    expect(world.left()).toEqual(["1 1"]);
  });
});

describe("the dispatcher in trouble", () => {
  test("asks a store again that cannot answer", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await world.add("1");
    const take = world.outbox.take.bind(world.outbox);
    world.outbox.take = async () => {
      throw new Fault("store_failed");
    };
    await using _ = await world.start();
    expect(world.courier.ids).toEqual([]);
    world.outbox.take = take;
    await world.pass(LIMITS.webhookPollMs);
    expect(world.courier.ids).toEqual(["1"]);
    expect(world.log.of("task.failed")).toEqual([]);
  });

  test("logs a bug and goes on", async () => {
    const world = new World({ endpoints: { shop: "http://shop/" } });
    world.courier.script = () => 204;
    await world.add("1", "2");
    const [take, done] = [
      world.outbox.take.bind(world.outbox),
      world.outbox.done.bind(world.outbox),
    ];
    world.outbox.take = async () => {
      throw new Error("take boom");
    };
    world.outbox.done = async () => {
      throw new Error("done boom");
    };
    await using _ = await world.start();
    world.outbox.take = take;
    await world.pass(LIMITS.webhookPollMs);
    world.outbox.done = done;
    await world.pass(LIMITS.webhookLeaseMs);
    expect(world.left()).toEqual([]);
    expect(world.log.of("task.failed").map(({ stage, error }) => `${stage} ${error}`)).toEqual([
      "webhook_take Error: take boom",
      "webhook_delivery Error: done boom",
      "webhook_delivery Error: done boom",
    ]);
  });

  test("delivers once more what the store could not forget", async () => {
    const world = new World();
    world.courier.script = () => 204;
    await world.add("1");
    const done = world.outbox.done.bind(world.outbox);
    world.outbox.done = async () => {
      throw new Fault("store_failed");
    };
    await using _ = await world.start();
    world.outbox.done = done;
    await world.pass(LIMITS.webhookLeaseMs - 1);
    expect(world.courier.ids).toEqual(["1"]);
    await world.pass(1);
    expect(world.courier.ids).toEqual(["1", "1"]);
    expect(world.left()).toEqual([]);
  });

  test("ends with what is under way, starts nothing new and leaves the rest", async () => {
    const world = new World();
    await world.add("1");
    const dispatcher = await world.start();
    let isOver = false;
    const ending = dispatcher[Symbol.asyncDispose]().then(() => {
      isOver = true;
    });
    await world.add("2");
    dispatcher.rowsAdded(["shop"]);
    await settled();
    expect(isOver).toBe(false);
    world.courier.last("1").answer(204);
    await ending;
    await world.pass(24 * HOUR_MS);
    expect(world.courier.ids).toEqual(["1"]);
    expect(world.left()).toEqual(["2 0"]);
    expect(world.clock.pending).toBe(0);
  });

  test("starts nothing of what it took while it was ending", async () => {
    const world = new World();
    const taking = Promise.withResolvers<void>();
    const take = world.outbox.take.bind(world.outbox);
    world.outbox.take = async (query) => {
      await taking.promise;
      return take(query);
    };
    await world.add("1");
    const dispatcher = await world.start();
    const ending = dispatcher[Symbol.asyncDispose]();
    taking.resolve();
    await ending;
    expect(world.courier.ids).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });
});

describe("over HTTP", () => {
  async function open(count: number) {
    const receiver = new FakeWebhookReceiver();
    const endpoints = { shop: receiver.url };
    const world = new World({ courier: createCourier, endpoints });
    await world.add(...Array.from({ length: count }, (_, index) => String(index)));
    return { receiver, world };
  }

  /** Looks until the outbox is as wanted; every look lets the network work. */
  async function untilLeft(world: World, wanted: readonly string[]): Promise<void> {
    while (!Bun.deepEquals(world.left(), wanted)) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  test("a receiver of Standard Webhooks accepts what it gets, byte for byte", async () => {
    const { receiver, world } = await open(0);
    await using _ = receiver;
    const body = '{"id":"evt","n":1.0,"big":12345678901234567890,"s":"取餐柜\u2028"}';
    await world.add(world.entry("evt", { body }));
    await using __ = await world.start();
    await receiver.until(1);
    expect(receiver.received).toEqual([
      {
        id: "evt",
        timestampS: world.clock.nowMs() / 1000,
        contentType: "application/json",
        body,
      },
    ]);
    await untilLeft(world, []);
    expect(receiver.forged).toBe(0);
  });

  test("an answer that is too long, or is no text, is an answer", async () => {
    const { receiver, world } = await open(2);
    await using _ = receiver;
    receiver.answers = [
      new Response("x".repeat(4 * LIMITS.webhookAnswerMaxBytes)),
      new Response(new Uint8Array([0xff, 0xfe])),
    ];
    await using __ = await world.start();
    await untilLeft(world, []);
    expect(receiver.received).toHaveLength(2);
  });

  test("a redirect is not followed, with the message and its signature", async () => {
    const { receiver, world } = await open(1);
    await using _ = receiver;
    await using other = new FakeWebhookReceiver();
    receiver.answers = [Response.redirect(other.url, 307)];
    await using __ = await world.start();
    await untilLeft(world, ["0 1"]);
    expect(other.received).toEqual([]);
  });

  test("a receiver that does not answer is waited for no longer than ten seconds", async () => {
    const { receiver, world } = await open(1);
    await using _ = receiver;
    receiver.answers = [() => new Promise<Response>(() => {})];
    await using __ = await world.start();
    await receiver.until(1);
    await world.pass(LIMITS.webhookTimeoutMs);
    await untilLeft(world, ["0 1"]);
    expect(world.log.of("webhook.failed")).toMatchObject([
      { why: "did not answer within 10000 ms" },
    ]);
    await world.pass(5 * SECOND_MS);
    await untilLeft(world, []);
  });
});
