import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

describe("[logins.<name>]", () => {
  test("says which mini-programs' users may log in", () => {
    const toml = `
      [logins.wechat]
      provider = "wechat"
      app_id = "wx0123456789abcdef"
      secret = "b4ead5ca1b8f4a5d9c3ee2fa5f0c7d21"
      [logins.second-shop]
      provider = "wechat"
      app_id = "wx1"
      secret = "s"
      user = "unionid"
      prefix = ""
      [logins.douyin]
      provider = "douyin"
      app_id = "tt1"
      secret = "s"
      url = "https://open-sandbox.douyin.com"
      prefix = "dy."
      [logins.alipay]
      provider = "alipay"
      app_id = "2021001122334455"
      private_key = "/etc/posthorn/app.pem"
      alipay_public_key = "/etc/posthorn/alipay.pem"
      user = "userid"`;
    expect([...load({ toml }).logins]).toEqual([
      [
        "wechat",
        {
          provider: "wechat",
          appId: "wx0123456789abcdef",
          secret: "b4ead5ca1b8f4a5d9c3ee2fa5f0c7d21",
          user: "openid",
          prefix: "wechat-",
        },
      ],
      [
        "second-shop",
        { provider: "wechat", appId: "wx1", secret: "s", user: "unionid", prefix: "" },
      ],
      [
        "douyin",
        {
          provider: "douyin",
          appId: "tt1",
          secret: "s",
          user: "openid",
          prefix: "dy.",
          url: "https://open-sandbox.douyin.com",
        },
      ],
      [
        "alipay",
        {
          provider: "alipay",
          appId: "2021001122334455",
          privateKeyFile: "/etc/posthorn/app.pem",
          alipayPublicKeyFile: "/etc/posthorn/alipay.pem",
          user: "userid",
          prefix: "alipay-",
        },
      ],
    ]);
  });

  test("takes a secret from a variable", () => {
    const toml = "[logins.wechat]\nprovider = 'wechat'\napp_id = 'wx1'";
    const { logins } = load({ toml, env: { POSTHORN_LOGINS__WECHAT__SECRET: "s" } });
    expect(logins.get("wechat")).toMatchObject({ secret: "s" });
  });

  const whole = "provider = 'wechat'\napp_id = 'a'\nsecret = 'canary'";
  test.each([
    [
      "app_id = 'a'\nsecret = 's'",
      'logins.x.provider (not set): got nothing, wanted one of "wechat", "douyin", "alipay"',
    ],
    ["provider = 'baidu'\napp_id = 'a'\nsecret = 's'", 'got "baidu", wanted one of "wechat"'],
    [
      "provider = 'alipay'\napp_id = 'a'",
      "logins.x.private_key (not set): got nothing, wanted the path of a file that holds the app's",
    ],
    [
      "provider = 'alipay'\napp_id = 'a'\nprivate_key = 'k'\nsecret = 'canary'",
      "wanted nothing: the provider alipay has no use for it",
    ],
    [`${whole}\nprivate_key = 'k'`, "wanted nothing: the provider wechat has no use for it"],
    [`${whole}\nalipay_public_key = 'k'`, "wanted nothing: the provider wechat has no use for it"],
    [`${whole}\nuser = 'userid'`, 'wanted one of "openid", "unionid" for the provider wechat'],
    ["provider = 'alipay'\napp_id = 'a'\nprivate_key = ''", "wanted the path of a file"],
    [
      "provider = 'wechat'\nsecret = 's'",
      "logins.x.app_id (not set): got nothing, wanted an AppID",
    ],
    [
      "provider = 'wechat'\napp_id = 'a'",
      "logins.x.secret (not set): got nothing, wanted an AppSecret",
    ],
    ["provider = 'wechat'\napp_id = 'a'\nsecret = 'a canary'", "got a text of 8 characters"],
    ["provider = 'wechat'\napp_id = 'a&b'\nsecret = 's'", "wanted the id of a mini-program"],
    [`${whole}\nurl = 'api.weixin.qq.com'`, "wanted an http or https URL"],
    [`${whole}\nurl = 'https://h/?a'`, "wanted an http or https URL without a query"],
    [`${whole}\nprefix = 'wechat:'`, "wanted at most 32 of A-Z a-z 0-9 . _ -"],
    [`${whole}\nuser = 'nickname'`, 'wanted one of "openid", "unionid", "userid"'],
    [`${whole}\nappid = 'a'`, "did you mean logins.x.app_id?"],
  ])("refuses %j", (lines, wanted) => {
    const problems = problemsWith({ toml: `[logins.x]\n${lines}` });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toContain("canary");
  });

  test("has no table of the name under which sessions come", () => {
    expect(problemsWith({ toml: `[logins.session]\n${whole}` })).toEqual([
      "logins.session (posthorn.toml:1): got a table, wanted another name: /v1/login/session is taken",
    ]);
  });
});

describe("[sessions]", () => {
  const secret = "canary-canary-canary-canary-canary";

  test("says how long they last and what signs them", () => {
    const toml = `[sessions]\nttl = "30d"\nsecret = "${secret}"`;
    expect(load({ toml }).sessions).toEqual({ ttlMs: 30 * 24 * 60 * 60 * 1000, secret });
  });

  test("keeps the secret before the current one, so that a change of it ends no session", () => {
    const previousSecret = `previous-${secret}`;
    const toml = `[sessions]\nsecret = "${secret}"\nprevious_secret = "${previousSecret}"`;
    expect(load({ toml }).sessions).toMatchObject({ secret, previousSecret });
    const env = { POSTHORN_SESSIONS__PREVIOUS_SECRET: previousSecret };
    const fromEnv = load({ toml: `[sessions]\nsecret = "${secret}"`, env }).sessions;
    expect(fromEnv).toMatchObject({ secret, previousSecret });
  });

  test.each([
    ["secret = 'canary'", "got a text of 6 characters, wanted a text of at least 32 characters"],
    ["ttl = '1m'", "wanted a duration from 1h to 90d"],
    [
      `secret = '${secret}'\nprevious_secret = 'canary'`,
      "sessions.previous_secret (posthorn.toml:3): got a text of 6 characters, wanted a text of at least 32",
    ],
    [
      `previous_secret = '${secret}'`,
      "sessions.secret (not set): got nothing, wanted the current secret beside sessions.previous_secret",
    ],
  ])("refuses %j", (lines, wanted) => {
    const problems = problemsWith({ toml: `[sessions]\n${lines}` });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toContain("canary");
  });
});
