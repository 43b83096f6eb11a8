import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createDouyinLogin } from "../../../src/login/douyin.ts";
import type { MiniProgramSettings } from "../../../src/login/mini-program.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDouyin } from "../../support/fake-douyin.ts";

const ANNA = { openid: "_000-Anna" };

let douyin: FakeDouyin;

beforeEach(() => {
  douyin = new FakeDouyin();
});
afterEach(() => douyin[Symbol.asyncDispose]());

function identify(code: string, more: Partial<MiniProgramSettings> = {}) {
  const settings = { ...douyin.settings, user: "openid", ...more } as const;
  return createDouyinLogin(settings, { web: createWebClient(new FakeClock()) }).identify(code);
}

describe("Douyin", () => {
  test("tells the openid behind a code, and nothing else", async () => {
    const code = douyin.login(ANNA);
    expect(await identify(code)).toEqual({ outcome: "known", id: ANNA.openid });
    const { appId, secret } = douyin.settings;
    expect(douyin.calls).toEqual([{ appid: appId, secret, code }]);
  });

  test("tells the unionid where that is wanted", async () => {
    const code = douyin.login({ ...ANNA, unionid: "u-1" });
    expect(await identify(code, { user: "unionid" })).toEqual({ outcome: "known", id: "u-1" });
  });

  test("needs an operator where a unionid is wanted and there is none", async () => {
    const outcome = await identify(douyin.login(ANNA), { user: "unionid" });
    expect(outcome).toEqual({ outcome: "stopped", why: "answered without a unionid" });
  });

  test("knows a code once", async () => {
    const code = douyin.login(ANNA);
    await identify(code);
    expect(await identify(code)).toEqual({
      outcome: "refused",
      reason: "code_invalid",
      why: expect.stringMatching(/^answered with err_no 40018, log_id \w+$/),
    });
  });

  test("may be busy for a moment", async () => {
    douyin.intercept = () => douyin.error(-1, "system error");
    expect(await identify("c")).toMatchObject({ outcome: "busy" });
  });

  test.each([
    [
      "app id",
      { appId: "tt1" },
      "does not know the app id: it answered with err_no 40015, log_id ",
    ],
    [
      "secret",
      { secret: "s" },
      "does not accept the secret: it answered with err_no 40017, log_id ",
    ],
  ])("needs an operator for a wrong %s", async (_, settings, why) => {
    const outcome = await identify(douyin.login(ANNA), settings);
    expect(outcome).toEqual({ outcome: "stopped", why: expect.stringContaining(why) });
  });

  test.each([
    ["an unknown error", '{"err_no":40014,"err_tips":"canary"}', "answered with err_no 40014"],
    ["no data", '{"err_no":0,"err_tips":"success"}', "answered without an openid"],
    ["an empty openid", '{"err_no":0,"data":{"openid":""}}', "answered without an openid"],
    ["no error number", '{"data":{"openid":"o"}}', "answered with status 200 and nothing that"],
    ["a page", "<html></html>", "answered with status 200 and nothing that"],
  ])("is not understood when it answers with %s", async (_, text, why) => {
    douyin.intercept = () => new Response(text);
    expect(await identify("c")).toEqual({ outcome: "odd", why: expect.stringContaining(why) });
  });

  test("is unreachable when nobody listens", async () => {
    const outcome = await identify("c", { url: "http://127.0.0.1:1" });
    expect(outcome).toEqual({
      outcome: "unreachable",
      why: expect.stringContaining("gave no answer that can be read"),
    });
  });
});
