import { describe, expect, test } from "bun:test";
import { createApiKeys } from "../../../src/auth/api-keys.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { RecentNames } from "../../../src/core/recent-names.ts";
import { checkApiKey } from "../../../src/http/server-api/authorize.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openPaces } from "../../support/open-paces.ts";

const [TILL, GATE] = [parseDeviceId("till-1"), parseDeviceId("gate-1")];
const KEY = "the-backend's-key";

function codeOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Fault ? error.code : "bug";
  }
}

describe("createCallerPaces()", () => {
  test("lets a device post as often as it may, and its neighbour all the same", () => {
    const clock = new FakeClock();
    const paces = openPaces({ postsPerDevicePerSecond: 2, postsPerDeviceBurst: 3 }, clock);
    const codes = [1, 2, 3, 4].map(() => codeOf(() => paces.checkPost(TILL)));
    expect(codes).toEqual([undefined, undefined, undefined, "post_rate_exceeded"]);
    expect(codeOf(() => paces.checkPost(GATE))).toBeUndefined();
    clock.advance(500);
    expect(codeOf(() => paces.checkPost(TILL))).toBeUndefined();
    expect(codeOf(() => paces.checkPost(TILL))).toBe("post_rate_exceeded");
  });

  test("sets no limit at 0 per second", () => {
    const paces = openPaces();
    for (let post = 0; post < 100; post += 1) paces.checkPost(TILL);
    for (let failure = 0; failure < 100; failure += 1) paces.checkFailures("1.2.3.4");
    expect(codeOf(() => paces.checkGuess("1.2.3.4", KEY))).toBeUndefined();
  });

  test("counts the requests of each key by itself", () => {
    const paces = openPaces({ requestsPerKeyPerSecond: 1, requestsPerKeyBurst: 1 });
    expect(codeOf(() => paces.checkKey("one"))).toBeUndefined();
    expect(codeOf(() => paces.checkKey("one"))).toBe("api_rate_exceeded");
    expect(codeOf(() => paces.checkKey("two"))).toBeUndefined();
  });

  test("stops guesses of an address, of a whole IPv6 block too, and of no other", () => {
    const paces = openPaces({ failuresPerAddressPerSecond: 1, failuresPerAddressBurst: 2 });
    const guess = (address: string) => codeOf(() => paces.checkGuess(address, "guess"));
    const fail = (address: string) => codeOf(() => paces.checkFailures(address));
    expect(guess("2001:db8::1")).toBeUndefined();
    expect([fail("2001:db8::1"), fail("2001:db8::2")]).toEqual([undefined, undefined]);
    expect(fail("2001:db8::3")).toBe("credentials_rate_exceeded");
    expect(guess("2001:db8::4")).toBe("credentials_rate_exceeded");
    expect([guess("2001:db8:0:1::1"), fail("1.2.3.4")]).toEqual([undefined, undefined]);
  });

  test("lets a key in that came from the same address before, and none that did elsewhere", () => {
    const paces = openPaces({ failuresPerAddressPerSecond: 1, failuresPerAddressBurst: 1 });
    paces.keyWasRight("1.2.3.4", KEY);
    for (const address of ["1.2.3.4", "5.6.7.8"]) paces.checkFailures(address);
    expect(codeOf(() => paces.checkGuess("1.2.3.4", KEY))).toBeUndefined();
    expect(codeOf(() => paces.checkGuess("5.6.7.8", KEY))).toBe("credentials_rate_exceeded");
  });

  test("remembers no more devices than it may", () => {
    const paces = openPaces({ postsPerDevicePerSecond: 1, postsPerDeviceBurst: 1 });
    paces.checkPost(TILL);
    for (let n = 0; n < LIMITS.callersRemembered; n += 1) paces.checkPost(parseDeviceId(`d-${n}`));
    expect(codeOf(() => paces.checkPost(TILL))).toBeUndefined();
  });
});

test("checkApiKey() does not even tell a right key from a guess where there were too many, unless it was there before", () => {
  const paces = openPaces({ failuresPerAddressPerSecond: 1, failuresPerAddressBurst: 1 });
  const access = { apiKeys: createApiKeys([KEY]), paces };
  const ask = (key: string | undefined, remoteAddress: string) =>
    codeOf(() => {
      const header = (name: string) => (name === "x-api-key" ? key : undefined);
      checkApiKey({ header, query: () => undefined, remoteAddress }, access);
    });
  expect(ask(KEY, "1.2.3.4")).toBeUndefined();
  for (const address of ["1.2.3.4", "5.6.7.8"]) {
    expect([ask("a-guess", address), ask(undefined, address)]).toEqual([
      "api_key_wrong",
      "credentials_rate_exceeded",
    ]);
  }
  expect([ask(KEY, "1.2.3.4"), ask(KEY, "5.6.7.8")]).toEqual([
    undefined,
    "credentials_rate_exceeded",
  ]);
  expect(ask(KEY, "9.9.9.9")).toBeUndefined();
});

test("RecentNames forgets the one that was not named for longest", () => {
  const names = new RecentNames(2);
  for (const name of ["a", "b", "a", "c"]) names.add(name);
  expect(["a", "b", "c"].map((it) => names.has(it))).toEqual([true, false, true]);
});
