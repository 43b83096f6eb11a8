import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import type { MiniProgramSettings } from "../../../src/login/mini-program.ts";
import { createWeChatLogin } from "../../../src/login/wechat.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeWeChat } from "../../support/fake-wechat.ts";

const ANNA = { openid: "oAnna-4QQ_1mm83trKrCNaof6Gf0" };
const RID = /, rid [\w-]+$/;

let clock: FakeClock;
let wechat: FakeWeChat;

beforeEach(() => {
  clock = new FakeClock();
  wechat = new FakeWeChat(() => clock.nowMs());
});
afterEach(() => wechat[Symbol.asyncDispose]());

function identify(code: string, more: Partial<MiniProgramSettings> = {}) {
  const settings = { ...wechat.settings, user: "openid", ...more } as const;
  return createWeChatLogin(settings, { web: createWebClient(clock) }).identify(code);
}

describe("WeChat", () => {
  test("tells the openid behind a code, and nothing else", async () => {
    expect(await identify(wechat.login(ANNA))).toEqual({ outcome: "known", id: ANNA.openid });
    expect(wechat.sessionKeys).toHaveLength(1);
  });

  test("is asked as it documents", async () => {
    const code = wechat.login(ANNA);
    await identify(code);
    expect(wechat.calls.map((query) => Object.fromEntries(query))).toEqual([
      {
        appid: wechat.settings.appId,
        secret: wechat.settings.secret,
        js_code: code,
        grant_type: "authorization_code",
      },
    ]);
  });

  test("is asked for exactly the code it gave, whatever is in it", async () => {
    await identify("a+b&secret=c %/?#");
    expect(wechat.calls[0]?.get("js_code")).toBe("a+b&secret=c %/?#");
  });

  test("is believed when it says 0 for success", async () => {
    wechat.intercept = () => new Response('{"errcode":0,"errmsg":"ok","openid":"o1"}');
    expect(await identify("c")).toEqual({ outcome: "known", id: "o1" });
  });

  test("tells the unionid where that is wanted", async () => {
    const code = wechat.login({ ...ANNA, unionid: "u-1" });
    expect(await identify(code, { user: "unionid" })).toEqual({ outcome: "known", id: "u-1" });
  });

  test("needs an operator where a unionid is wanted and there is none", async () => {
    expect(await identify(wechat.login(ANNA), { user: "unionid" })).toEqual({
      outcome: "stopped",
      why: "answered without a unionid: the mini-program belongs to no open platform account",
    });
  });

  test("knows a code once", async () => {
    const code = wechat.login(ANNA);
    await identify(code);
    expect(await identify(code)).toEqual({
      outcome: "refused",
      reason: "code_used",
      why: expect.stringMatching(/^answered with errcode 40163, rid [\w-]+$/),
    });
  });

  test("knows a code for five minutes", async () => {
    const code = wechat.login(ANNA);
    clock.advance(5 * 60 * 1000 + 1);
    expect(await identify(code)).toMatchObject({ outcome: "refused", reason: "code_invalid" });
  });

  test("refuses a user it takes for a risk", async () => {
    const code = wechat.login({ ...ANNA, isBlocked: true });
    expect(await identify(code)).toMatchObject({ outcome: "refused", reason: "user_blocked" });
  });

  test("counts the logins of a user per minute", async () => {
    const codes = Array.from({ length: 101 }, () => wechat.login(ANNA));
    const outcomes = [];
    for (const code of codes) outcomes.push(await identify(code));
    expect(outcomes.at(99)).toMatchObject({ outcome: "known" });
    expect(outcomes.at(100)).toMatchObject({ outcome: "refused", reason: "too_often" });
  });

  test("may be busy for a moment", async () => {
    wechat.busy = 1;
    const code = wechat.login(ANNA);
    expect(await identify(code)).toEqual({ outcome: "busy", why: expect.stringMatching(RID) });
    expect(await identify(code)).toMatchObject({ outcome: "known" });
  });

  test.each([
    ["app id", { appId: "wx1" }, "does not know the app id: it answered with errcode 40013, rid "],
    ["secret", { secret: "s" }, "does not accept the secret: it answered with errcode 40125, rid "],
  ])("needs an operator for a wrong %s", async (_, settings, why) => {
    const outcome = await identify(wechat.login(ANNA), settings);
    expect(outcome).toEqual({ outcome: "stopped", why: expect.stringContaining(why) });
  });

  test.each([
    ["an unknown error", '{"errcode":40066,"errmsg":"invalid url"}', "answered with errcode 40066"],
    ["no openid", '{"session_key":"k"}', "answered without an openid"],
    ["an openid that is none", '{"openid":"a b"}', "answered with status 200 and nothing that"],
    ["a page", "<html>502</html>", "answered with status 200 and nothing that"],
    ["nothing", "", "answered with status 200 and nothing that"],
  ])("is not understood when it answers with %s", async (_, text, why) => {
    wechat.intercept = () => new Response(text);
    expect(await identify("c")).toEqual({ outcome: "odd", why: expect.stringContaining(why) });
  });

  test("is unreachable behind a gateway that has trouble", async () => {
    wechat.intercept = () => new Response("<html>502</html>", { status: 502 });
    expect(await identify("c")).toEqual({
      outcome: "unreachable",
      why: "answered with status 502",
    });
  });

  test("is not waited for without end", async () => {
    const asked = Promise.withResolvers<void>();
    wechat.intercept = () => {
      asked.resolve();
      return new Promise<Response>(() => {});
    };
    const outcome = identify("c");
    await asked.promise;
    clock.advance(LIMITS.loginTimeoutMs);
    expect(await outcome).toEqual({ outcome: "unreachable", why: "did not answer within 5000 ms" });
  });

  test("never has the code, the secret or a session key in what is told of it", async () => {
    const canary = "canary-code";
    wechat.intercept = () =>
      new Response(
        JSON.stringify({ errcode: 99, errmsg: `bad ${canary} ${wechat.settings.secret}` }),
      );
    const told = [await identify(canary), await identify(wechat.login(ANNA))];
    const text = JSON.stringify(told);
    for (const secret of [canary, wechat.settings.secret, ...wechat.sessionKeys]) {
      expect(text).not.toContain(secret);
    }
  });
});
