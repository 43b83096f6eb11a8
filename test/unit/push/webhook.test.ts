import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { PushProvider } from "../../../src/core/ports/push.ts";
import { WEBHOOK_BODIES } from "../../../src/openapi/webhooks.ts";
import { createWebhookPush } from "../../../src/push/webhook.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { createSigner } from "../../../src/webhooks/signature.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../../support/fake-webhook-receiver.ts";

const REQUEST = {
  device: parseDeviceId("kiosk-1"),
  token: "token-1",
  hint: { pending: 2, command: "01J-2" },
};

let receiver: FakeWebhookReceiver;
let clock: FakeClock;
let provider: PushProvider;

function open(url = receiver.url, secret = WEBHOOK_SECRET): PushProvider {
  return createWebhookPush(
    { url, secret },
    { courier: createCourier(clock), clock, entropy: createFakeEntropy(), createSigner },
  );
}

beforeEach(() => {
  receiver = new FakeWebhookReceiver();
  clock = new FakeClock();
  provider = open();
});
afterEach(() => receiver[Symbol.asyncDispose]());

describe("a webhook that wakes devices", () => {
  test("gets the token and the hint, signed", async () => {
    expect(await provider.wake(REQUEST)).toEqual({ outcome: "sent" });
    expect(await provider.wake(REQUEST)).toEqual({ outcome: "sent" });
    const [first, second] = receiver.received;
    expect(first).toEqual({
      id: "uuid-1",
      timestampS: Date.UTC(2026, 0, 1) / 1000,
      contentType: "application/json",
      body: JSON.stringify({
        type: "device.wake",
        timestamp: "2026-01-01T00:00:00.000Z",
        data: { device: "kiosk-1", token: "token-1", hint: { t: "wake", n: 2, cmd: "01J-2" } },
      }),
    });
    expect(second?.id).toBe("uuid-2");
    expect(WEBHOOK_BODIES["device.wake"]?.safeParse(JSON.parse(first?.body ?? "")).success).toBe(
      true,
    );
  });

  test.each([
    [200, { outcome: "sent" }],
    [204, { outcome: "sent" }],
    [410, { outcome: "token_dead" }],
    [401, { outcome: "stopped", why: "answered with status 401" }],
    [403, { outcome: "stopped", why: "answered with status 403" }],
    [400, { outcome: "refused", why: "answered with status 400" }],
    [404, { outcome: "refused", why: "answered with status 404" }],
    [302, { outcome: "refused", why: "answered with status 302" }],
    [408, { outcome: "retry", afterMs: 10_000, why: "answered with status 408" }],
    [429, { outcome: "retry", afterMs: 10_000, why: "answered with status 429" }],
    [500, { outcome: "retry", afterMs: 10_000, why: "answered with status 500" }],
    [503, { outcome: "retry", afterMs: 10_000, why: "answered with status 503" }],
  ])("means by %d what it should", async (status, outcome) => {
    receiver.answers = [status];
    expect(await provider.wake(REQUEST)).toEqual(outcome as never);
  });

  test.each([
    ["120", 120_000],
    ["99999999", LIMITS.pushPauseMaxMs],
    ["later", 10_000],
  ])("is left alone when it says Retry-After: %s", async (text, afterMs) => {
    receiver.answers = [new Response(null, { status: 503, headers: { "retry-after": text } })];
    expect(await provider.wake(REQUEST)).toMatchObject({ outcome: "retry", afterMs });
  });

  test("knows a repetition by its id, until it was sent", async () => {
    receiver.answers = [500, 503];
    for (let attempt = 0; attempt < 3; attempt++) await provider.wake(REQUEST);
    await provider.wake(REQUEST);
    await provider.wake({ ...REQUEST, token: "token-2" });
    expect(receiver.received.map(({ id }) => id)).toEqual([
      "uuid-1",
      "uuid-1",
      "uuid-1",
      "uuid-2",
      "uuid-3",
    ]);
  });

  test("that has another secret says so", async () => {
    provider = open(receiver.url, "whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVz");
    expect(await provider.wake(REQUEST)).toMatchObject({ outcome: "stopped" });
    expect(receiver.forged).toBe(1);
  });

  test("that is not there is tried again", async () => {
    provider = open("http://127.0.0.1:1/canary");
    const outcome = await provider.wake(REQUEST);
    expect(outcome).toMatchObject({ outcome: "retry", afterMs: 10_000 });
    expect(JSON.stringify(outcome)).not.toContain("canary");
  });
});
