import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { createLogins } from "../../../src/core/logins.ts";
import type { LoginOutcome, LoginProvider } from "../../../src/core/ports/login-provider.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { settled } from "../../support/gateway-world.ts";

const KNOWN: LoginOutcome = { outcome: "known", id: "o1" };
const BUSY: LoginOutcome = { outcome: "busy", why: "is busy" };
const ADDRESS = "192.0.2.7";

/** A provider that answers what it is told to, in turn; the last answer is for all that come. */
class ScriptedProvider implements LoginProvider {
  readonly codes: string[] = [];
  readonly #answers: readonly (LoginOutcome | Promise<LoginOutcome>)[];

  constructor(...answers: (LoginOutcome | Promise<LoginOutcome>)[]) {
    this.#answers = answers;
  }

  async identify(code: string): Promise<LoginOutcome> {
    this.codes.push(code);
    const answer = this.#answers[Math.min(this.codes.length, this.#answers.length) - 1];
    return (await answer) ?? KNOWN;
  }
}

function world(...answers: (LoginOutcome | Promise<LoginOutcome>)[]) {
  const clock = new FakeClock();
  const provider = new ScriptedProvider(...answers);
  const logins = createLogins({
    metrics: UNCOUNTED,
    logins: new Map([
      ["wechat", { provider, prefix: "wechat-" }],
      ["other", { provider, prefix: "" }],
    ]),
    clock,
  });
  return { clock, provider, logins };
}

/** One whose provider does not answer before the test says so. */
function slowWorld() {
  const answer = Promise.withResolvers<LoginOutcome>();
  const it = world(answer.promise);
  const identifyAll = (count: number, addressOf: (index: number) => string) =>
    Array.from({ length: count }, (_, index) =>
      it.logins.identify("wechat", `c${index}`, addressOf(index)),
    );
  return { ...it, answer, identifyAll };
}

/** The fault that something throws. */
async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(() => undefined).catch((it: unknown) => it);
  if (error instanceof Fault) return error;
  throw new Error("Cannot go on: it threw no fault", { cause: error });
}

describe("createLogins()", () => {
  test("names a user by the login's prefix and the provider's id", async () => {
    const { logins } = world();
    expect(await logins.identify("wechat", "c", ADDRESS)).toBe("wechat-o1");
    expect(await logins.identify("other", "c", ADDRESS)).toBe("o1");
  });

  test("knows its logins by name", async () => {
    const { logins } = world();
    expect(await faultOf(logins.identify("toString", "c", ADDRESS))).toMatchObject({
      code: "login_unknown",
      detail: 'got "toString", wanted the name of a table [logins.<name>]',
    });
  });

  test.each([
    ["code_invalid", "login_code_invalid", "unauthenticated"],
    ["code_used", "login_code_used", "unauthenticated"],
    ["user_blocked", "login_user_blocked", "denied"],
    ["too_often", "login_rate_exceeded", "busy"],
  ] as const)(
    "refuses for %s with %s, and says what support asks for",
    async (reason, code, kind) => {
      const { logins } = world({ outcome: "refused", reason, why: "answered 7, rid 8" });
      const fault = await faultOf(logins.identify("wechat", "c", ADDRESS));
      expect([fault.code, fault.kind]).toEqual([code, kind]);
      expect(fault.detail).toEndWith("(logins.wechat: it answered 7, rid 8)");
    },
  );

  test.each([
    ["stopped", "login_unavailable"],
    ["unreachable", "login_unavailable"],
    ["odd", "login_failed"],
  ] as const)("tells only the log what is %s with a provider", async (outcome, code) => {
    const { logins } = world({ outcome, why: "does not accept the secret" });
    const fault = await faultOf(logins.identify("wechat", "c", ADDRESS));
    expect([fault.code, fault.kind]).toEqual([code, "unavailable"]);
    expect(fault.message).not.toContain("secret");
    expect(String(fault.cause)).toBe("Error: logins.wechat: it does not accept the secret");
  });

  test("asks a busy provider once more with the same code, after a pause", async () => {
    const { logins, clock, provider } = world(BUSY, KNOWN);
    const user = logins.identify("wechat", "c", ADDRESS);
    await settled();
    clock.advance(LIMITS.loginRetryMs - 1);
    expect(provider.codes).toEqual(["c"]);
    clock.advance(1);
    expect(await user).toBe("wechat-o1");
    expect(provider.codes).toEqual(["c", "c"]);
  });

  test("gives up on a provider that stays busy", async () => {
    const { logins, clock, provider } = world(BUSY);
    const fault = faultOf(logins.identify("wechat", "c", ADDRESS));
    await settled();
    clock.advance(LIMITS.loginRetryMs);
    expect((await fault).code).toBe("login_unavailable");
    expect(provider.codes).toHaveLength(2);
  });

  test("asks once for a code that is brought twice at the same time", async () => {
    const answer = Promise.withResolvers<LoginOutcome>();
    const { logins, provider } = world(answer.promise);
    const users = Promise.all(["c", "c"].map((code) => logins.identify("wechat", code, ADDRESS)));
    answer.resolve(KNOWN);
    expect(await users).toEqual(["wechat-o1", "wechat-o1"]);
    expect(provider.codes).toEqual(["c"]);
    await logins.identify("wechat", "c", ADDRESS);
    expect(provider.codes).toEqual(["c", "c"]);
  });

  test("does not take the same code of two logins for one", async () => {
    const { logins } = world();
    const users = ["wechat", "other"].map((name) => logins.identify(name, "c", ADDRESS));
    expect(await Promise.all(users)).toEqual(["wechat-o1", "o1"]);
  });

  test("asks so many questions at a time, and turns away whoever comes then", async () => {
    const { identifyAll, answer, logins } = slowWorld();
    const users = identifyAll(LIMITS.loginsAtATime, (index) => `192.0.2.${index}`);
    const fault = await faultOf(logins.identify("wechat", "one more", "198.51.100.1"));
    expect([fault.code, fault.kind]).toEqual(["login_busy", "busy"]);
    answer.resolve(KNOWN);
    await Promise.all(users);
    expect(await logins.identify("wechat", "one more", "198.51.100.1")).toBe("wechat-o1");
  });

  test("turns one address away before it takes the room of all others", async () => {
    const { identifyAll, answer, logins, provider } = slowWorld();
    const users = identifyAll(LIMITS.loginsAtATimePerAddress, (index) => `2001:db8::${index}`);
    const fault = await faultOf(logins.identify("wechat", "one more", "2001:db8::1:7"));
    expect([fault.code, fault.kind]).toEqual(["login_busy", "busy"]);
    expect(fault.detail).toBe(
      `${LIMITS.loginsAtATimePerAddress} others of this address are logging in`,
    );
    users.push(logins.identify("wechat", "another", "2001:db8:0:1::1"));
    expect(provider.codes).toContain("another");
    expect(provider.codes).not.toContain("one more");
    answer.resolve(KNOWN);
    await Promise.all(users);
    expect(await logins.identify("wechat", "one more", "2001:db8::1:7")).toBe("wechat-o1");
  });

  test("does not take everybody behind a proxy of this machine for one address", async () => {
    const { identifyAll, answer, logins } = slowWorld();
    const users = identifyAll(LIMITS.loginsAtATime, () => "127.0.0.1");
    expect((await faultOf(logins.identify("wechat", "one more", "127.0.0.1"))).detail).toBe(
      `${LIMITS.loginsAtATime} others are logging in`,
    );
    answer.resolve(KNOWN);
    expect(new Set(await Promise.all(users))).toEqual(new Set(["wechat-o1"]));
  });

  test("makes room again after a provider failed", async () => {
    const { logins } = world({ outcome: "odd", why: "is odd" });
    for (let round = 0; round <= LIMITS.loginsAtATime; round += 1) {
      expect((await faultOf(logins.identify("wechat", `c${round}`, ADDRESS))).code).toBe(
        "login_failed",
      );
    }
  });
});
