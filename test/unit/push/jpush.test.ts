import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { PushProvider } from "../../../src/core/ports/push.ts";
import { createJPush, type JPushSettings } from "../../../src/push/jpush.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeJPush } from "../../support/fake-jpush.ts";

const TOKEN = "18071adc030dcba91c0";
const HINT = { pending: 2, command: "01J-2" };
const HINT_TEXT = '{"t":"wake","n":2,"cmd":"01J-2"}';
const DAY_MS = 24 * 60 * 60 * 1000;
const CID_CALL = "GET /v3/push/cid?count=10";
const KIOSK = parseDeviceId("kiosk-1");
const PUSH_CALL = "POST /v3/push";

let jpush: FakeJPush;
let clock: FakeClock;
let provider: PushProvider;

function open(more: Partial<JPushSettings> = {}): PushProvider {
  return createJPush({ ...jpush.settings, ...more }, { courier: createCourier(clock), clock });
}
const wake = (token = TOKEN, hint = HINT) => provider.wake({ device: KIOSK, token, hint });
const pushCalls = () => jpush.calls.filter((call) => call === PUSH_CALL).length;

beforeEach(() => {
  jpush = new FakeJPush();
  jpush.devices.add(TOKEN);
  clock = new FakeClock();
  provider = open();
});
afterEach(() => jpush[Symbol.asyncDispose]());

/** Waits for the call and lets its time pass, so that nobody knows what became of it. */
async function timeOut<T>(asking: Promise<T>, isUnderWay: Promise<void>): Promise<T> {
  await isUnderWay;
  clock.advance(LIMITS.pushTimeoutMs);
  return await asking;
}

/** JPush takes the push and never answers. */
function hangAfterSending(): Promise<void> {
  const sent = Promise.withResolvers<void>();
  jpush.intercept = async (real) => {
    await real();
    sent.resolve();
    return new Promise<Response>(() => {});
  };
  return sent.promise;
}

describe("JPush", () => {
  test("carries a hint to one device, and nothing else", async () => {
    expect(await wake()).toEqual({ outcome: "sent" });
    expect(jpush.delivered).toEqual([
      { token: TOKEN, hint: HINT_TEXT, cid: expect.stringContaining(jpush.settings.appKey) },
    ]);
  });

  test("fetches ids ahead, and one for each push", async () => {
    for (let round = 0; round < 11; round++) await wake();
    expect(jpush.calls.filter((call) => call === CID_CALL)).toHaveLength(2);
    expect(new Set(jpush.delivered.map(({ cid }) => cid)).size).toBe(11);
  });

  test("fetches ids once for all that wait for one", async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => wake()));
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => ({ outcome: "sent" })));
    expect(jpush.calls.filter((call) => call === CID_CALL)).toHaveLength(1);
  });

  test("does not use ids that JPush may have forgotten", async () => {
    await wake();
    clock.advance(DAY_MS);
    await wake();
    expect(jpush.calls).toEqual([CID_CALL, PUSH_CALL, CID_CALL, PUSH_CALL]);
  });
});

describe("a push whose outcome is not known", () => {
  test("is sent once, however often it is told", async () => {
    expect(await timeOut(wake(), hangAfterSending())).toEqual({
      outcome: "retry",
      afterMs: 5_000,
      why: "did not answer within 10000 ms",
    });
    expect(await timeOut(wake(), hangAfterSending())).toMatchObject({ outcome: "retry" });
    expect(await wake()).toEqual({ outcome: "sent" });
    expect(pushCalls()).toBe(3);
    expect(jpush.delivered).toHaveLength(1);
  });

  test("is another push when it says something else, or goes to another device", async () => {
    jpush.devices.add("other");
    await timeOut(wake(), hangAfterSending());
    await wake(TOKEN, { pending: 3, command: "01J-2" });
    await wake("other");
    expect(jpush.delivered.map(({ token, hint }) => `${token} ${hint}`)).toEqual([
      `${TOKEN} ${HINT_TEXT}`,
      `${TOKEN} {"t":"wake","n":3,"cmd":"01J-2"}`,
      `other ${HINT_TEXT}`,
    ]);
  });

  test("is a new one when the same is said again after it went through", async () => {
    await timeOut(wake(), hangAfterSending());
    await wake();
    await wake();
    expect(jpush.delivered).toHaveLength(2);
  });

  test("is told apart for a bounded number of pushes only", async () => {
    await timeOut(wake(), hangAfterSending());
    for (let index = 0; index < LIMITS.pushesRemembered; index++) {
      jpush.intercept = () => jpush.error(500, 1000);
      jpush.remaining = 600;
      await wake(`device-${index}`);
    }
    await wake();
    expect(jpush.delivered).toHaveLength(2);
  });
});

describe("an error of JPush", () => {
  test.each([
    [500, 1000, { outcome: "retry", afterMs: 5_000, why: "answered with error 1000" }],
    [503, 1030, { outcome: "retry", afterMs: 5_000, why: "answered with error 1030" }],
    [500, 9999, { outcome: "retry", afterMs: 5_000, why: "answered with error 9999" }],
    [429, 2002, { outcome: "retry", afterMs: 42_000, why: "answered with error 2002" }],
    [405, 1001, { outcome: "refused", why: "answered with error 1001" }],
    [400, 1002, { outcome: "refused", why: "answered with error 1002" }],
    [400, 1003, { outcome: "refused", why: "answered with error 1003" }],
    [400, 1005, { outcome: "refused", why: "answered with error 1005" }],
    [400, 1008, { outcome: "refused", why: "answered with error 1008" }],
    [400, 1009, { outcome: "refused", why: "answered with error 1009" }],
    [404, 1020, { outcome: "refused", why: "answered with error 1020" }],
    [400, 1012, { outcome: "refused", why: "answered with error 1012" }],
    [400, 1011, { outcome: "token_dead" }],
    [401, 1004, { outcome: "stopped", why: expect.stringMatching(/master secret.*1004/) }],
    [403, 2003, { outcome: "stopped", why: expect.stringContaining("2003") }],
    [403, 2004, { outcome: "stopped", why: expect.stringMatching(/address.*2004/) }],
    [403, 2005, { outcome: "stopped", why: expect.stringContaining("2005") }],
  ])("%d with code %d is of its class", async (status, code, outcome) => {
    jpush.intercept = () => jpush.error(status, code, `canary ${TOKEN}`);
    expect(await wake()).toEqual(outcome as never);
  });

  test.each([
    [502, "retry"],
    [504, "retry"],
    [408, "retry"],
    [302, "retry"],
    [200, "retry"],
    [429, "retry"],
    [401, "stopped"],
    [403, "stopped"],
    [413, "refused"],
  ])("%d with the HTML of something on the way is of the class %s", async (status, outcome) => {
    jpush.intercept = () => new Response("<html>canary</html>", { status });
    expect(await wake()).toMatchObject({
      outcome: outcome as never,
      why: `answered with status ${status} and no error code`,
    });
  });

  test("says that a device is unknown when it is", async () => {
    expect(await wake("unknown")).toEqual({ outcome: "token_dead" });
  });

  test("says that the credentials are wrong when they are, before anything is pushed", async () => {
    provider = open({ secret: "wrong" });
    expect(await wake()).toMatchObject({ outcome: "stopped" });
    expect(jpush.calls).toEqual([CID_CALL]);
  });

  test("is told when nobody is there", async () => {
    provider = open({ url: "http://127.0.0.1:1" });
    expect(await wake()).toMatchObject({
      outcome: "retry",
      why: expect.stringContaining("could not be reached"),
    });
  });

  test("that is told for the ids is one for every push that waits for them", async () => {
    jpush.interceptCids = () => jpush.error(503, 1030);
    const outcomes = await Promise.all([wake(), wake()]);
    const retry = { outcome: "retry", afterMs: 5_000, why: "answered with error 1030" } as const;
    expect(outcomes).toEqual([retry, retry]);
    jpush.interceptCids = undefined;
    expect(await wake()).toEqual({ outcome: "sent" });
  });

  test.each(["{}", '{"cidlist":[]}', '{"cidlist":"x"}', '{"cidlist":[1]}', "null", "<html>"])(
    "is what an answer %s is taken for when ids were wanted",
    async (text) => {
      jpush.interceptCids = () => new Response(text);
      expect(await wake()).toMatchObject({ outcome: "retry" });
      expect(pushCalls()).toBe(0);
    },
  );
});

describe("the quota of JPush", () => {
  test("keeps us quiet for the rest of its minute when it is used up", async () => {
    await wake();
    jpush.remaining = 1;
    expect(await wake()).toEqual({ outcome: "sent" });
    const calls = jpush.calls.length;
    clock.advance(2_000);
    expect(await wake()).toEqual({
      outcome: "retry",
      afterMs: 40_000,
      why: "takes no more calls in this minute",
    });
    expect(jpush.calls).toHaveLength(calls);
    jpush.remaining = 600;
    clock.advance(40_000);
    expect(await wake()).toEqual({ outcome: "sent" });
  });

  test("keeps a push that it refused for one and the same", async () => {
    await wake("unknown");
    jpush.intercept = () => jpush.error(429, 2002);
    expect(await wake()).toMatchObject({ outcome: "retry", afterMs: 42_000 });
    expect(await wake()).toEqual({ outcome: "sent" });
    expect(jpush.delivered).toHaveLength(1);
  });

  test("keeps us quiet for a minute when only a 429 tells that it is used up", async () => {
    await wake();
    jpush.intercept = () => new Response("<html>", { status: 429 });
    await wake();
    const calls = jpush.calls.length;
    clock.advance(59_999);
    expect(await wake()).toMatchObject({ outcome: "retry", afterMs: 1 });
    expect(jpush.calls).toHaveLength(calls);
    clock.advance(1);
    expect(await wake()).toEqual({ outcome: "sent" });
  });

  test.each([
    ["soon", 60_000],
    ["999999", LIMITS.pushPauseMaxMs],
  ])("is waited for when its header says %j for %d ms", async (reset, afterMs) => {
    jpush.intercept = () =>
      Response.json(
        { error: { code: 2002, message: "" } },
        { status: 429, headers: { "x-rate-limit-reset": reset } },
      );
    expect(await wake()).toMatchObject({ outcome: "retry", afterMs });
  });
});
