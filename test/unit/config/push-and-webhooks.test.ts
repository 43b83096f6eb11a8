import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

const SECRET = `whsec_${Buffer.from("canary-canary-canary-canary").toString("base64")}`;

describe("[push.<name>]", () => {
  test("says how to reach each provider", () => {
    const toml = `
      [push.phones]
      provider = "jpush"
      app_key = "7d431e42dfa6a6d693ac2d04"
      secret = "5e987ac6d2e04d95a9d8f0d1"
      [push.beijing]
      provider = "jpush"
      url = "https://bjapi.push.jiguang.cn"
      app_key = "k"
      secret = "s"
      [push.google]
      provider = "fcm"
      credentials = "account.json"
      package = "com.shop.kiosk"
      [push.elsewhere]
      provider = "fcm"
      url = "http://127.0.0.1:9000/fcm"
      credentials = "/etc/account.json"
      [push.own]
      provider = "webhook"
      url = "https://backend.example.com/wake?k=1"
      secret = "${SECRET}"`;
    expect([...load({ toml, cwd: "/srv" }).push]).toEqual([
      [
        "phones",
        {
          provider: "jpush",
          appKey: "7d431e42dfa6a6d693ac2d04",
          secret: "5e987ac6d2e04d95a9d8f0d1",
        },
      ],
      [
        "beijing",
        { provider: "jpush", url: "https://bjapi.push.jiguang.cn", appKey: "k", secret: "s" },
      ],
      [
        "google",
        {
          provider: "fcm",
          credentialsFile: "/srv/account.json",
          packageName: "com.shop.kiosk",
        },
      ],
      [
        "elsewhere",
        {
          provider: "fcm",
          url: "http://127.0.0.1:9000/fcm",
          credentialsFile: "/etc/account.json",
        },
      ],
      ["own", { provider: "webhook", url: "https://backend.example.com/wake?k=1", secret: SECRET }],
    ]);
  });

  test("takes a secret from a variable", () => {
    const toml = "[push.phones]\nprovider = 'jpush'\napp_key = 'k'";
    const { push } = load({ toml, env: { POSTHORN_PUSH__PHONES__SECRET: "s" } });
    expect(push.get("phones")).toMatchObject({ secret: "s" });
  });

  test.each([
    ["", 'push.x.provider (not set): got nothing, wanted one of "jpush", "fcm", "webhook"'],
    ["provider = 'apns'", 'got "apns", wanted one of "jpush", "fcm", "webhook"'],
    [
      "provider = 'jpush'\nsecret = 's'",
      "push.x.app_key (not set): got nothing, wanted the app key of an app of JPush",
    ],
    [
      "provider = 'jpush'\napp_key = 'k'",
      "push.x.secret (not set): got nothing, wanted the master secret of the app, in",
    ],
    [
      "provider = 'fcm'",
      "push.x.credentials (not set): got nothing, wanted the path of the JSON key",
    ],
    ["provider = 'fcm'\ncredentials = ''", "wanted the path of a JSON file"],
    [
      "provider = 'fcm'\ncredentials = 'f'\napp_key = 'k'",
      'push.x.app_key (posthorn.toml:4): got "k", wanted nothing: the provider fcm has no use for it',
    ],
    ["provider = 'fcm'\ncredentials = 'f'\npackage = 'kiosk'", "wanted the name of an Android"],
    ["provider = 'fcm'\ncredentials = 'f'\nurl = 'http://h/?a'", "wanted the base of an API"],
    ["provider = 'fcm'\ncredentials = 'f'\nurl = 'ftp://h/'", "wanted an http or https URL"],
    [`provider = 'webhook'\nsecret = '${SECRET}'`, "push.x.url (not set): got nothing"],
    ["provider = 'webhook'\nurl = 'http://b/'", "push.x.secret (not set): got nothing"],
    [
      "provider = 'webhook'\nurl = 'http://b/'\nsecret = 'canary'",
      "push.x.secret (posthorn.toml:4): got a text of 6 characters, wanted whsec_ and 24 to 64 bytes",
    ],
    ["provider = 'jpush'\napp_key = 'a:b'\nsecret = 's'", "wanted the app key of an app of JPush"],
    ["provider = 'jpush'\napp_key = 'k'\nsecret = 'a canary'", "got a text of 8 characters"],
    ["provider = 'jpush'\napp_key = 'k'\nsecret = 's'\nsecrt = 1", "did you mean push.x.secret?"],
    ["provider = 'jpush'\napp_key = 'k'\nsecret = 's'\nbanana = 1", "known here: provider, url"],
  ])("refuses %j", (lines, wanted) => {
    const problems = problemsWith({ toml: `[push.x]\n${lines}` });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toContain("canary");
  });

  test.each([
    [
      '[push."Bad Name"]\nprovider = "fcm"\ncredentials = "f"',
      'got name "Bad Name", wanted 1 to 64',
    ],
    ["push = 5", "push (posthorn.toml:1): got 5, wanted a table"],
    [
      "[push]\nprovider = 'fcm'",
      'push.provider (posthorn.toml:2): got "fcm", wanted a table [push.<name>]',
    ],
    ["[push]\nsecret = 'canary'", "got a text of 6 characters, wanted a table [push.<name>]"],
  ])("refuses %j", (toml, wanted) => {
    const problems = problemsWith({ toml });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toContain("canary");
  });

  test("names the variables by which alone there is a table, and the table that was meant", () => {
    const toml = "[push.jpush]\nprovider = 'jpush'\napp_key = 'k'\nsecret = 's'";
    const env = { POSTHORN_PUSH__JPSUH__SECRET: "canary" };
    expect(problemsWith({ toml, env })).toEqual([
      'push.jpsuh.provider (not set): got nothing, wanted one of "jpush", "fcm", "webhook"; push.jpsuh is there only by POSTHORN_PUSH__JPSUH__SECRET, did you mean push.jpush?',
    ]);
    const [alone] = problemsWith({ env: { ...env, POSTHORN_PUSH__JPSUH__APP_KEY: "k" } });
    expect(alone).toEndWith(
      "; push.jpsuh is there only by POSTHORN_PUSH__JPSUH__SECRET, POSTHORN_PUSH__JPSUH__APP_KEY",
    );
    expect(problemsWith({ env: { POSTHORN_PUSH__0X__PROVIDER: "fcm" } })).toContain(
      'push.0x (POSTHORN_PUSH__0X__PROVIDER): got name "0x", wanted 1 to 64 of a-z 0-9 _ - with a letter first',
    );
  });
});

describe("[webhooks.<name>]", () => {
  test("says where to tell which events", () => {
    const toml = `
      [webhooks.backend]
      url = "https://backend.example.com/events"
      secret = "${SECRET}"
      [webhooks.audit]
      url = "http://127.0.0.1:3000/?all=1"
      secret = "${SECRET}"
      events = ["*", "command.{done,failed}"]`;
    expect(load({ toml }).webhooks).toEqual([
      {
        name: "backend",
        url: "https://backend.example.com/events",
        secret: SECRET,
        events: ["device.*", "command.*"],
      },
      {
        name: "audit",
        url: "http://127.0.0.1:3000/?all=1",
        secret: SECRET,
        events: ["*", "command.{done,failed}"],
      },
    ]);
  });

  test("sets by a variable with _ what the file calls by a name with a dash", () => {
    const toml = `[webhooks.shop-a]\nsecret = "${SECRET}"`;
    const { webhooks } = load({ toml, env: { POSTHORN_WEBHOOKS__SHOP_A__URL: "http://b/" } });
    expect(webhooks).toMatchObject([{ name: "shop-a", url: "http://b/", secret: SECRET }]);
    expect(problemsWith({ toml, env: { POSTHORN_WEBHOOKS__SHOP_A__ULR: "x" } })).toContain(
      "POSTHORN_WEBHOOKS__SHOP_A__ULR (environment): there is no such key, did you mean POSTHORN_WEBHOOKS__SHOP_A__URL?",
    );
  });

  test("prefers the table that has the very name of a variable", () => {
    const toml = `[webhooks.shop-a]\nurl = "http://dash/"\nsecret = "${SECRET}"
      [webhooks.shop_a]\nsecret = "${SECRET}"`;
    const { webhooks } = load({ toml, env: { POSTHORN_WEBHOOKS__SHOP_A__URL: "http://b/" } });
    expect(webhooks.map(({ name, url }) => [name, url])).toEqual([
      ["shop-a", "http://dash/"],
      ["shop_a", "http://b/"],
    ]);
  });

  test("takes everything from variables", () => {
    const env = {
      POSTHORN_WEBHOOKS__BACKEND__URL: "http://b/",
      POSTHORN_WEBHOOKS__BACKEND__SECRET: SECRET,
      POSTHORN_WEBHOOKS__BACKEND__EVENTS: "device.online, device.offline",
    };
    expect(load({ env }).webhooks).toEqual([
      {
        name: "backend",
        url: "http://b/",
        secret: SECRET,
        events: ["device.online", "device.offline"],
      },
    ]);
  });

  test.each([
    [`secret = '${SECRET}'`, "webhooks.x.url (not set): got nothing, wanted an http or https URL"],
    ["url = 'http://b/'", "webhooks.x.secret (not set): got nothing, wanted whsec_"],
    [`url = 'b'\nsecret = '${SECRET}'`, "wanted an http or https URL"],
    [`url = 'http://u:p@b/'\nsecret = '${SECRET}'`, "wanted an http or https URL"],
    ["url = 'http://b/'\nsecret = 'canary'", "got a text of 6 characters, wanted whsec_"],
    [
      `url = 'http://b/'\nsecret = 'whsec_${"c".repeat(28)}'`,
      "got a text of 34 characters, wanted whsec_",
    ],
    [
      `url = 'http://b/'\nsecret = 'whsec_${"c".repeat(33)}'`,
      "got a text of 39 characters, wanted whsec_",
    ],
    [
      `url = 'http://b/'\nsecret = 'whsec_${"c".repeat(88)}'`,
      "got a text of 94 characters, wanted whsec_",
    ],
    [
      `url = 'http://b/'\nsecret = '${SECRET}'\nevents = ['device.[']`,
      'webhooks.x.events (posthorn.toml:4): got "device.[" as item 1, wanted a list of patterns',
    ],
    [`url = 'http://b/'\nsecret = '${SECRET}'\nevent = []`, "did you mean webhooks.x.events?"],
  ])("refuses %j", (lines, wanted) => {
    const problems = problemsWith({ toml: `[webhooks.x]\n${lines}` });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toContain("canary");
  });
});
