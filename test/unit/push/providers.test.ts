import { describe, expect, test } from "bun:test";
import type { PushConfig } from "../../../src/config/push-schema.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createPushProviders } from "../../../src/push/providers.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { createSigner } from "../../../src/webhooks/signature.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { FakeFcm } from "../../support/fake-fcm.ts";
import { FakeJPush } from "../../support/fake-jpush.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../../support/fake-webhook-receiver.ts";
import { Workspace } from "../../support/workspace.ts";

const clock = new FakeClock();
const REQUEST = { device: parseDeviceId("kiosk-1"), token: "device-1", hint: { pending: 1 } };

function open(configs: Readonly<Record<string, PushConfig>>) {
  const around = { courier: createCourier(clock), clock, entropy: createFakeEntropy() };
  return createPushProviders(new Map(Object.entries(configs)), { ...around, createSigner });
}

describe("createPushProviders()", () => {
  test("makes each provider that a configuration can name", async () => {
    await using jpush = new FakeJPush();
    await using fcm = new FakeFcm(clock);
    await using receiver = new FakeWebhookReceiver();
    await using workspace = await Workspace.make();
    jpush.devices.add(REQUEST.token);
    fcm.registered.add(REQUEST.token);
    const credentialsFile = await workspace.write("account.json", fcm.credentials());
    const providers = await open({
      phones: { provider: "jpush", ...jpush.settings },
      google: { provider: "fcm", url: fcm.url, credentialsFile },
      own: { provider: "webhook", url: receiver.url, secret: WEBHOOK_SECRET },
    });
    expect([...providers.keys()]).toEqual(["phones", "google", "own"]);
    for (const provider of providers.values()) {
      expect(await provider.wake(REQUEST)).toEqual({ outcome: "sent" });
    }
    expect([jpush.delivered, fcm.delivered, receiver.received].map(({ length }) => length)).toEqual(
      [1, 1, 1],
    );
  });

  test("refuses credentials that cannot be used", async () => {
    const opening = open({
      google: { provider: "fcm", credentialsFile: "missing/account.json" },
    });
    await expect(opening).rejects.toMatchObject({ code: "config_invalid" });
  });
});
