import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { WebhookEndpoint } from "../../../src/webhooks/delivery.ts";
import { createWebhookDispatcher } from "../../../src/webhooks/dispatcher.ts";
import { createSigner } from "../../../src/webhooks/signature.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { WEBHOOK_SECRET } from "../../support/fake-webhook-receiver.ts";
import { MemoryOutbox, Shelf } from "../../support/memory-outbox.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { FakeCourier } from "./fake-courier.ts";

const BOUNDS = { rowsMax: 100, maxBytes: 1_000_000, deadLettersMax: 100, orderedFailures: 5 };
const SHOP = endpoint("shop", "http://shop/");

function endpoint(name: string, url: string): WebhookEndpoint {
  return { name, url, signer: createSigner(WEBHOOK_SECRET) };
}

/** A dispatcher with the endpoint `shop`, and an outbox to put something in for anybody. */
async function world() {
  const clock = new FakeClock();
  const shelf = new Shelf();
  const outbox = new MemoryOutbox(clock, BOUNDS, shelf);
  const courier = new FakeCourier();
  const parts = { clock, log: new RecordingLog(), entropy: createFakeEntropy(0) };
  const dispatcher = createWebhookDispatcher({
    ...parts,
    outbox,
    courier,
    endpoints: [SHOP],
    metrics: UNCOUNTED,
  });
  async function add(id: string, name = "shop"): Promise<void> {
    const entry = { endpoint: name, id, type: "x", orderKey: "", body: "{}", createdAtMs: 0 };
    await outbox.add([entry]);
    dispatcher.rowsAdded([name]);
    await settled();
  }
  const waiting = () => shelf.items.filter(({ death }) => !death).map(({ id }) => id);
  return { clock, courier, dispatcher, add, waiting };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

describe("replaceEndpoints()", () => {
  test("delivers to one that comes what waited for it", async () => {
    const { courier, dispatcher, add } = await world();
    await add("1", "bank");
    expect(courier.ids).toEqual([]);
    dispatcher.replaceEndpoints([SHOP, endpoint("bank", "http://bank/")]);
    await settled();
    expect(courier.last("1").url).toBe("http://bank/");
    courier.last("1").answer(204);
    await dispatcher[Symbol.asyncDispose]();
  });

  test("lets what is on its way to one that goes end, and keeps what waits", async () => {
    const { courier, dispatcher, add, waiting } = await world();
    await add("1");
    dispatcher.replaceEndpoints([]);
    await add("2");
    courier.last("1").answer(204);
    await settled();
    expect([courier.ids, waiting()]).toEqual([["1"], ["2"]]);
    dispatcher.replaceEndpoints([SHOP]);
    await settled();
    expect(courier.ids).toEqual(["1", "2"]);
    courier.last("2").answer(204);
    await dispatcher[Symbol.asyncDispose]();
    expect(waiting()).toEqual([]);
  });

  test("waits at the end for what is on its way to one that is gone", async () => {
    const { courier, dispatcher, add, waiting } = await world();
    await add("1");
    dispatcher.replaceEndpoints([]);
    let isClosed = false;
    const closed = dispatcher[Symbol.asyncDispose]().then(() => {
      isClosed = true;
    });
    await settled();
    expect(isClosed).toBe(false);
    courier.last("1").answer(204);
    await closed;
    expect(waiting()).toEqual([]);
  });

  test("sends to the new address what is taken from now on, and a retry of what the old one refused", async () => {
    const { clock, courier, dispatcher, add } = await world();
    await add("1");
    dispatcher.replaceEndpoints([endpoint("shop", "http://new/")]);
    await add("2");
    expect([courier.last("1").url, courier.last("2").url]).toEqual(["http://shop/", "http://new/"]);
    courier.last("1").answer(500);
    courier.last("2").answer(204);
    await settled();
    clock.advance(LIMITS.webhookPollMs);
    await settled();
    expect(courier.last("1").url).toBe("http://new/");
    courier.last("1").answer(204);
    await dispatcher[Symbol.asyncDispose]();
  });

  test("asks a disabled one again if it has changed, and only then", async () => {
    const { courier, dispatcher, add } = await world();
    await add("1");
    courier.last("1").answer(410);
    await settled();
    dispatcher.replaceEndpoints([SHOP]);
    expect(dispatcher.whyDisabled("shop")).toBe("answered with status 410");
    dispatcher.replaceEndpoints([endpoint("shop", "http://new/")]);
    expect(dispatcher.whyDisabled("shop")).toBeUndefined();
    await dispatcher[Symbol.asyncDispose]();
  });

  test("goes on with the pause that one wanted which has not changed", async () => {
    const { courier, dispatcher, add } = await world();
    await add("1");
    courier.last("1").answer(503, { "retry-after": "60" });
    await settled();
    dispatcher.replaceEndpoints([SHOP]);
    await add("2");
    expect(courier.ids).toEqual(["1"]);
    dispatcher.replaceEndpoints([endpoint("shop", "http://new/")]);
    await settled();
    expect(courier.ids).toEqual(["1", "2"]);
    courier.last("2").answer(204);
    await dispatcher[Symbol.asyncDispose]();
  });
});
