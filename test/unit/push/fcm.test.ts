import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { PushProvider, WakeOutcome } from "../../../src/core/ports/push.ts";
import { createFcm, type FcmSettings } from "../../../src/push/fcm.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeFcm, type FcmFailure } from "../../support/fake-fcm.ts";
import { Workspace } from "../../support/workspace.ts";

const TOKEN = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1";
const HINT = { pending: 2, command: "01J-2" };
const SEND_CALL = "/v1/projects/shop-project/messages:send";
const KIOSK = parseDeviceId("kiosk-1");
const SENT: WakeOutcome = { outcome: "sent" };

let workspace: Workspace;
let fcm: FakeFcm;
let clock: FakeClock;
let provider: PushProvider;

async function open(
  more: Partial<FcmSettings> = {},
  credentials = fcm.credentials(),
): Promise<PushProvider> {
  const credentialsFile = await workspace.write("account.json", credentials);
  const settings = { url: fcm.url, credentialsFile, ...more };
  return createFcm(settings, { courier: createCourier(clock), clock });
}
const wake = (token = TOKEN, hint: typeof HINT = HINT) =>
  provider.wake({ device: KIOSK, token, hint });
const callsOf = (path: string) => fcm.calls.filter((call) => call === path).length;

beforeEach(async () => {
  workspace = await Workspace.make();
  clock = new FakeClock();
  fcm = new FakeFcm(clock);
  fcm.registered.add(TOKEN);
  provider = await open();
});
afterEach(async () => {
  await fcm[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

describe("FCM", () => {
  test("carries a hint to one device as texts, and nothing else", async () => {
    expect(await wake()).toEqual(SENT);
    expect(fcm.delivered).toEqual([
      {
        token: TOKEN,
        data: { t: "wake", n: "2", cmd: "01J-2" },
        android: {
          priority: "HIGH",
          ttl: "3600s",
          collapse_key: "wake",
          direct_boot_ok: true,
        },
      },
    ]);
  });

  test("reaches one app only when it is told which", async () => {
    provider = await open({ packageName: "com.shop.kiosk", url: `${fcm.url}/` });
    expect(await wake()).toEqual(SENT);
    expect(fcm.delivered[0]?.android.restricted_package_name).toBe("com.shop.kiosk");
  });
});

describe("the access token", () => {
  test("is fetched once and kept until shortly before it ends", async () => {
    fcm.expiresInS = 3600;
    await wake();
    clock.advance(3_539_999);
    await wake();
    expect(callsOf("/token")).toBe(1);
    clock.advance(1);
    await wake();
    expect(callsOf("/token")).toBe(2);
    expect(fcm.delivered).toHaveLength(3);
  });

  test("is fetched once for all that wait for it", async () => {
    const fetching = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    fcm.interceptToken = async () => {
      fetching.resolve();
      await going.promise;
      return Response.json({ error: "temporarily_unavailable" }, { status: 503 });
    };
    const first = [wake(), wake(), wake()];
    await fetching.promise;
    const second = [wake(), wake()];
    going.resolve();
    for (const outcome of await Promise.all([...first, ...second])) {
      expect(outcome).toMatchObject({ outcome: "retry" });
    }
    expect(fcm.calls).toEqual(["/token"]);
    expect(await Promise.all([wake(), wake()])).toEqual([SENT, SENT]);
    expect(callsOf("/token")).toBe(2);
  });

  test("is fetched anew, once, when it is not accepted any more", async () => {
    await wake();
    fcm.revoke();
    expect(await wake()).toEqual(SENT);
    expect(callsOf("/token")).toBe(2);
  });

  test("is fetched anew once although several find that it is not accepted", async () => {
    await wake();
    fcm.revoke();
    expect(await Promise.all([wake(), wake(), wake()])).toEqual([SENT, SENT, SENT]);
    expect(callsOf("/token")).toBe(2);
  });

  test("is not dropped by who hears late that the one before was not accepted", async () => {
    await wake();
    const asked = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    fcm.interceptSend = async () => {
      asked.resolve();
      await late.promise;
      return fcm.failure({ status: 401 });
    };
    const waiting = wake();
    await asked.promise;
    fcm.revoke();
    expect(await wake()).toEqual(SENT);
    late.resolve();
    expect(await waiting).toEqual(SENT);
    expect(callsOf("/token")).toBe(2);
  });

  test("that is fresh and not accepted stops the provider", async () => {
    const refuse = () => fcm.failure({ status: 401 });
    fcm.interceptSend = () => {
      fcm.interceptSend = refuse;
      return refuse();
    };
    expect(await wake()).toEqual({
      outcome: "stopped",
      why: "does not accept a fresh access token",
    });
    expect(fcm.calls).toEqual(["/token", SEND_CALL, "/token", SEND_CALL]);
  });

  test.each([
    [400, '{"error":"invalid_grant"}', "gave no access token (invalid_grant)"],
    [401, '{"error":"invalid_client"}', "gave no access token (invalid_client)"],
    [403, "<html>", "gave no access token (status 403)"],
  ])("that is refused with %d %s stops the provider", async (status, text, why) => {
    fcm.interceptToken = () => new Response(text, { status });
    expect(await wake()).toEqual({ outcome: "stopped", why });
  });

  test.each([
    ["<html>502</html>", { status: 502 }, 10_000],
    ["{}", { status: 503, headers: { "retry-after": "33" } }, 33_000],
    ["{}", { status: 429, headers: { "retry-after": "99999999" } }, LIMITS.pushPauseMaxMs],
    ["", { status: 408 }, 10_000],
    ["<html>log in</html>", { status: 200 }, 10_000],
    ['{"access_token":7}', { status: 200 }, 10_000],
  ])("that fails with %s %j is asked for again", async (text, answer, afterMs) => {
    fcm.interceptToken = () => new Response(text, answer);
    expect(await wake()).toMatchObject({ outcome: "retry", afterMs });
    expect(await wake()).toEqual(SENT);
  });

  test("is not kept when nobody knows how long it is good", async () => {
    await wake();
    fcm.revoke();
    fcm.expiresInS = Number.NaN;
    expect(await wake()).toEqual(SENT);
    expect(await wake()).toEqual(SENT);
    expect(callsOf("/token")).toBe(3);
  });

  test("is asked for again when nobody answers", async () => {
    const asked = Promise.withResolvers<void>();
    fcm.interceptToken = () => {
      asked.resolve();
      return new Promise<Response>(() => {});
    };
    const waking = wake();
    await asked.promise;
    clock.advance(LIMITS.pushTimeoutMs);
    expect(await waking).toMatchObject({
      outcome: "retry",
      why: "gave no access token: it did not answer within 10000 ms",
    });
  });
});

describe("an error of FCM", () => {
  const retry = (afterMs: number) => ({ outcome: "retry", afterMs, why: expect.any(String) });
  const rows: (readonly [FcmFailure, object])[] = [
    [{ status: 404, errorCode: "UNREGISTERED" }, { outcome: "token_dead" }],
    [
      { status: 400, errorCode: "INVALID_ARGUMENT" },
      { outcome: "refused", why: "answered with INVALID_ARGUMENT" },
    ],
    [
      { status: 400, errorCode: "INVALID_ARGUMENT", field: "message.data" },
      { outcome: "refused", why: "answered with INVALID_ARGUMENT" },
    ],
    [
      { status: 400, errorCode: "INVALID_ARGUMENT", field: "message.token" },
      { outcome: "token_dead" },
    ],
    [
      {
        status: 400,
        errorCode: "INVALID_ARGUMENT",
        message: "The registration token is not a valid FCM registration token",
      },
      { outcome: "token_dead" },
    ],
    [{ status: 429, errorCode: "QUOTA_EXCEEDED" }, retry(60_000)],
    [{ status: 429, errorCode: "QUOTA_EXCEEDED", retryAfter: "90" }, retry(90_000)],
    [{ status: 503, errorCode: "UNAVAILABLE" }, retry(10_000)],
    [{ status: 503, errorCode: "UNAVAILABLE", retryAfter: "30" }, retry(30_000)],
    [
      { status: 503, errorCode: "UNAVAILABLE", retryAfter: "Thu, 01 Jan 2026 00:00:20 GMT" },
      retry(20_000),
    ],
    [
      { status: 503, errorCode: "UNAVAILABLE", retryAfter: "99999999" },
      retry(LIMITS.pushPauseMaxMs),
    ],
    [{ status: 500, errorCode: "INTERNAL" }, retry(10_000)],
    [
      { status: 401, errorCode: "THIRD_PARTY_AUTH_ERROR" },
      { outcome: "stopped", why: "answered with THIRD_PARTY_AUTH_ERROR" },
    ],
    [
      { status: 401, errorCode: "APNS_AUTH_ERROR" },
      { outcome: "stopped", why: "answered with APNS_AUTH_ERROR" },
    ],
    [{ status: 403 }, { outcome: "stopped", why: "does not let the service account send" }],
    [{ status: 404 }, { outcome: "stopped", why: "does not know the project" }],
    [{ status: 429 }, retry(60_000)],
    [{ status: 500 }, retry(10_000)],
    [{ status: 400 }, { outcome: "refused", why: "answered with status 400 and no FCM error" }],
    [
      { status: 418, errorCode: "SOMETHING_NEW" },
      { outcome: "refused", why: "answered with SOMETHING_NEW" },
    ],
    [{ status: 500, errorCode: "SOMETHING_NEW" }, retry(10_000)],
  ];

  test.each(rows)("%j is of its class", async (failure, outcome) => {
    fcm.interceptSend = () => fcm.failure({ message: `canary ${TOKEN}`, ...failure });
    expect(await wake()).toEqual(outcome as never);
  });

  test.each([
    [502, "<html><title>Error 502 (Server Error)!!1</title>", "retry"],
    [200, "<html>log in</html>", "retry"],
    [302, "", "retry"],
    [408, "", "retry"],
    [503, '{"error":{"details":[{"@type":7,"errorCode":"UNREGISTERED"}]}}', "retry"],
    [503, '{"error":{"details":[{"@type":"Other","errorCode":"UNREGISTERED"}]}}', "retry"],
    [500, '{"error":{"details":"UNREGISTERED"}}', "retry"],
    [500, '{"error":[]}', "retry"],
    [500, "null", "retry"],
    [404, "<html>not found</html>", "stopped"],
  ])("is not guessed from %d %s", async (status, text, outcome) => {
    fcm.interceptSend = () => new Response(text, { status });
    expect(await wake()).toMatchObject({ outcome: outcome as never });
  });

  test("is told for a device that is not registered, a project that is not there, and nobody", async () => {
    expect(await wake("unknown")).toEqual({ outcome: "token_dead" });
    provider = await open({}, fcm.credentials({ project_id: "a/b" }));
    expect(await wake()).toEqual({ outcome: "stopped", why: "does not know the project" });
    expect(fcm.calls.at(-1)).toBe("/v1/projects/a%2Fb/messages:send");
    provider = await open({ url: "http://127.0.0.1:1" });
    expect(await wake()).toMatchObject({
      outcome: "retry",
      why: expect.stringContaining("could not be reached"),
    });
  });

  test("of a foreign token costs the token once another has worked", async () => {
    const foreign = { status: 403, errorCode: "SENDER_ID_MISMATCH" };
    fcm.interceptSend = () => fcm.failure(foreign);
    expect(await wake("foreign")).toEqual({
      outcome: "refused",
      why: "knows the token from another project",
    });
    expect(await wake()).toEqual(SENT);
    fcm.interceptSend = () => fcm.failure(foreign);
    expect(await wake("foreign")).toEqual({ outcome: "token_dead" });
  });

  test("that does not come in time is one to try again", async () => {
    const asked = Promise.withResolvers<void>();
    fcm.interceptSend = () => {
      asked.resolve();
      return new Promise<Response>(() => {});
    };
    const waking = wake();
    await asked.promise;
    clock.advance(LIMITS.pushTimeoutMs);
    expect(await waking).toEqual({
      outcome: "retry",
      afterMs: 10_000,
      why: "did not answer within 10000 ms",
    });
    expect(callsOf(SEND_CALL)).toBe(1);
  });
});

describe("the credentials file", () => {
  const ecKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });

  test.each([
    ["is no JSON", "canary", "has no token_uri"],
    ["lacks a project", { project_id: undefined }, "has no project_id"],
    ["lacks an e-mail address", { client_email: "" }, "has no client_email"],
    ["lacks a key id", { private_key_id: 7 }, "has no private_key_id"],
    ["lacks a key", { private_key: undefined }, "has no private_key"],
    ["has a broken key", { private_key: "canary" }, "is no RSA key in PEM"],
    ["has another kind of key", { private_key: ecKey }, "is no RSA key in PEM"],
    ["has a path in place of a URL", { token_uri: "/token" }, "is no http or https URL"],
  ])("that %s is refused, with nothing of what is in it", async (_, found, wanted) => {
    const text = typeof found === "string" ? found : fcm.credentials(found);
    const opening = open({}, text);
    await expect(opening).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(wanted),
      cause: undefined,
    });
    await expect(opening).rejects.not.toMatchObject({
      message: expect.stringContaining("canary"),
    });
  });

  test.each([
    ["missing.json", "(ENOENT)"],
    [".", "is no file of at most"],
  ])("%s is refused with what is wrong", async (name, wanted) => {
    const credentialsFile = workspace.file(name);
    await expect(open({ credentialsFile })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(wanted),
    });
  });
});
