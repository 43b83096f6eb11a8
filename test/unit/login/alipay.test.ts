import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { Fault } from "../../../src/core/faults.ts";
import { type AlipaySettings, createAlipayLogin } from "../../../src/login/alipay.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
import { ALIPAY_KEYS, FakeAlipay, signed } from "../../support/fake-alipay.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { Workspace } from "../../support/workspace.ts";

const ANNA = { open_id: "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5" };
const NODE = "alipay_system_oauth_token_response";

let clock: FakeClock;
let workspace: Workspace;
let alipay: FakeAlipay;

beforeEach(async () => {
  clock = new FakeClock();
  workspace = await Workspace.make();
  alipay = await FakeAlipay.start(workspace, () => clock.nowMs());
});
afterEach(async () => {
  await alipay[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

function create(more: Partial<AlipaySettings> = {}) {
  const settings = { ...alipay.settings, user: "openid", ...more } as const;
  return createAlipayLogin(settings, { web: createWebClient(clock), clock });
}
const identify = (code: string, more: Partial<AlipaySettings> = {}) => create(more).identify(code);

/** The same without the key that answers are checked with. */
function identifyUnchecked(code: string) {
  const { alipayPublicKeyFile: _, ...settings } = alipay.settings;
  const around = { web: createWebClient(clock), clock };
  return createAlipayLogin({ ...settings, user: "openid" }, around).identify(code);
}

describe("Alipay", () => {
  test("tells the openid behind a code, and nothing else", async () => {
    expect(await identify(alipay.login(ANNA))).toEqual({ outcome: "known", id: ANNA.open_id });
    expect(alipay.tokens).toHaveLength(2);
  });

  test("is asked as it documents, in the time of China, and not by an address with the code", async () => {
    const code = alipay.login(ANNA);
    await identify(code);
    expect(alipay.calls).toEqual([
      {
        app_id: alipay.settings.appId,
        method: "alipay.system.oauth.token",
        format: "JSON",
        charset: "utf-8",
        sign_type: "RSA2",
        timestamp: new Date(clock.nowMs()).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }),
        version: "1.0",
        grant_type: "authorization_code",
        code,
        sign: expect.stringMatching(/^[\w+/]{342}==$/),
      },
    ]);
    expect(alipay.queries.join()).not.toContain(code);
  });

  test.each(["a+b&grant_type=c %/?#", "授权码=&", "\ud800"])(
    "is asked for exactly the code it gave, signed, whatever is in it: %j",
    async (code) => {
      expect(await identify(code)).toMatchObject({ why: expect.stringContaining("code-invalid") });
      expect(alipay.calls[0]?.["code"]).toBe(code.toWellFormed());
      expect(alipay.calls[0]?.["grant_type"]).toBe("authorization_code");
    },
  );

  test("tells the unionid or the older user id where that is wanted", async () => {
    const all = { ...ANNA, union_id: "u-1", user_id: "2088102150477652" };
    const unionid = { outcome: "known", id: "u-1" } as const;
    expect(await identify(alipay.login(all), { user: "unionid" })).toEqual(unionid);
    const userid = { outcome: "known", id: "2088102150477652" } as const;
    expect(await identify(alipay.login(all), { user: "userid" })).toEqual(userid);
  });

  test("is never taken at another id, which would make another user of the same", async () => {
    const old = alipay.login({ user_id: "2088102150477652", open_id: "" });
    expect(await identify(old)).toEqual({
      outcome: "stopped",
      why: 'answered without open_id, as an app for which user has to be "userid"',
    });
    expect(await identify(alipay.login(ANNA), { user: "unionid" })).toEqual({
      outcome: "stopped",
      why: 'answered without union_id, as an app for which user has to be "openid"',
    });
  });

  test("knows a code once", async () => {
    const code = alipay.login(ANNA);
    await identify(code);
    expect(await identify(code)).toEqual({
      outcome: "refused",
      reason: "code_invalid",
      why: "answered with code 40002, sub_code isv.code-invalid",
    });
  });

  test.each([
    ["20000 isp.unknow-error", "busy", ""],
    ["20000 aop.unknow-error", "busy", ""],
    ["40004 isp.system-error", "busy", ""],
    ["40005 isv.app-call-limited", "busy", ""],
    ["40005 isv.method-call-limited", "busy", ""],
    ["40002 isv.code-invalid", "refused", ""],
    ["40002 isv.invalid-parameter", "refused", ""],
    ["40002 isv.suspected-attack", "refused", ""],
    ["40002 isv.invalid-app-id", "stopped", "does not know the app id"],
    ["40002 isv.invalid-signature", "stopped", "does not accept private_key"],
    ["40002 isv.missing-signature-config", "stopped", "has no public key of this app"],
    ["40003 isv.missing-signature-config", "stopped", "has no public key of this app"],
    ["40001 isv.missing-signature-key", "stopped", "has no public key of this app"],
    ["40002 isv.invalid-timestamp", "stopped", "this machine's clock"],
    ["40002 isv.forbidden-api", "stopped", "does not let this app"],
    ["40002 not-online-app", "stopped", "before its release"],
    ["40002 isv.app-cert-expired", "stopped", "to be set to public keys"],
    ["40002 app-cert-expired", "stopped", "to be set to public keys"],
    ["40001 isv.missing-app-cert-sn", "stopped", "to be set to public keys"],
    ["40001 isv.missing-alipay-root-cert-sn", "stopped", "to be set to public keys"],
    ["40006 isv.ip-forbidden", "stopped", "this machine's address"],
    ["40006 isv.access-forbidden", "stopped", "does not let this app"],
    ["40006 isv.insufficient-isv-permissions", "stopped", "does not let this app log"],
    ["40006 isv.insufficient-user-permissions", "stopped", "does not let this app log"],
    ["40003 invalid-auth-relations", "stopped", "misses something of this app"],
    ["20001 aop.invalid-auth-token", "stopped", "act for its owner"],
    ["20001 aop.auth-token-time-out", "stopped", "act for its owner"],
    ["20001 aop.invalid-app-auth-token", "stopped", "act for its owner"],
    ["20001 aop.invalid-app-auth-token-no-api", "stopped", "act for its owner"],
    ["20001 aop.app-auth-token-time-out", "stopped", "act for its owner"],
    ["20001 aop.no-product-reg-by-partner", "stopped", "act for its owner"],
    ["40002 isv.grant-type-invalid", "odd", ""],
    ["40001 isv.missing-method", "odd", ""],
    ["40002 isv.invalid-charset", "odd", ""],
    ["40004 ACQ.SOMETHING", "odd", ""],
  ])("means by %s: %s %s", async (error, outcome, stop) => {
    const [code = "", subCode = ""] = error.split(" ");
    alipay.intercept = () => alipay.error(code, subCode);
    const told = `answered with code ${code}, sub_code ${subCode}`;
    const found = await identify("c");
    const why = stop === "" ? told : expect.stringMatching(new RegExp(`${stop}.*: it ${told}$`));
    expect(found).toMatchObject({ outcome, why });
    // The same under the name of the method, as newer parts of Alipay say it.
    alipay.intercept = () => signed(NODE, { code, msg: "m", sub_code: subCode });
    expect(await identify("c")).toEqual(found);
  });

  test.each([
    ["app id", { appId: "2021000000000000" }, "isv.invalid-app-id"],
    ["key", {}, "isv.invalid-signature"],
  ])("needs an operator for a wrong %s", async (what, settings, subCode) => {
    const other = await workspace.write("other.pem", ALIPAY_KEYS.other.privateKey);
    const privateKeyFile = what === "key" ? other : alipay.settings.privateKeyFile;
    const found = await identify(alipay.login(ANNA), { ...settings, privateKeyFile });
    expect(found).toMatchObject({ outcome: "stopped", why: expect.stringContaining(subCode) });
  });

  test.each([
    [
      "an unknown error",
      '{"error_response":{"code":"1","sub_code":"<canary>"}}',
      "sub_code unknown",
    ],
    ["no id", `{"${NODE}":{"access_token":"t"}}`, "answered without any id of a user"],
    ["another member", '{"other_response":{"open_id":"o"}}', "nothing that its documentation"],
    ["an id of another form", `{"${NODE}":{"open_id":"a b"}}`, "nothing that its documentation"],
    ["a page", "<html>canary</html>", "answered with status 200 and nothing that"],
  ])("is not understood when it answers with %s", async (_, text, why) => {
    alipay.intercept = () => new Response(text);
    const found = await identifyUnchecked("c");
    expect(found).toEqual({ outcome: "odd", why: expect.stringContaining(why) });
    expect(JSON.stringify(found)).not.toContain("canary");
  });

  test("is unreachable when nobody listens", async () => {
    expect(await identify("c", { url: "http://127.0.0.1:1/gateway.do" })).toEqual({
      outcome: "unreachable",
      why: expect.stringContaining("gave no answer that can be read"),
    });
  });
});

describe("an answer of Alipay", () => {
  const evil = '{"open_id":"evil"}';

  /** What Alipay said once of somebody, in text. */
  const told = () => signed(NODE, ANNA).text();

  test.each([
    ["is not signed", async () => `{"${NODE}":${evil}}`],
    ["is signed with another key", () => signed(NODE, ANNA, ALIPAY_KEYS.other).text()],
    ["was changed", async () => (await told()).replace(ANNA.open_id, "evil")],
    ["has a second one in it", async () => (await told()).replace(/\}$/, `,"${NODE}":${evil}}`)],
    ["has a second one before it", async () => (await told()).replace("{", `{"${NODE}":${evil},`)],
    [
      "has the same name escaped",
      async () => {
        const escaped = NODE.replace("a", "\\u0061");
        return (await told()).replace(/\}$/, `,"${escaped}":${evil}}`);
      },
    ],
    ["has a signature that is none", async () => `{"${NODE}":${evil},"sign":"%%"}`],
  ])("is believed only as what was signed when it %s", async (what, text) => {
    const body = await text();
    alipay.intercept = () => new Response(body);
    const found = await identify("c");
    if (what.endsWith("before it")) {
      expect(found).toEqual({ outcome: "known", id: ANNA.open_id });
    } else {
      const why = "answered without a signature that fits alipay_public_key";
      expect(found).toEqual({ outcome: "stopped", why });
    }
  });

  test("is believed without a signature where no key of Alipay is configured", async () => {
    alipay.intercept = () => new Response(`{"${NODE}":{"code":"10000","open_id":"o1"}}`);
    expect(await identifyUnchecked("c")).toEqual({ outcome: "known", id: "o1" });
  });
});

describe("the keys of a login by Alipay", () => {
  const bare = (der: Buffer) => `${der.toString("base64")}\n`;
  const app = createPrivateKey(ALIPAY_KEYS.app.privateKey);

  test.each([
    ["PKCS#1 in PEM", String(app.export({ type: "pkcs1", format: "pem" }))],
    ["PKCS#8 in bare base64", bare(app.export({ type: "pkcs8", format: "der" }))],
    ["PKCS#1 in bare base64", bare(app.export({ type: "pkcs1", format: "der" }))],
  ])("may be %s", async (_, text) => {
    const key = createPublicKey(ALIPAY_KEYS.alipay.publicKey);
    const theirs = bare(key.export({ type: "spki", format: "der" }));
    const found = await identify(alipay.login(ANNA), {
      privateKeyFile: await workspace.write("own.txt", text),
      alipayPublicKeyFile: await workspace.write("theirs.txt", theirs),
    });
    expect(found).toEqual({ outcome: "known", id: ANNA.open_id });
  });

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const pkcs8 = { type: "pkcs8", format: "pem" } as const;
  const spki = { type: "spki", format: "pem" } as const;

  const texts = {
    "no key": "canary",
    "a broken key": "-----BEGIN PRIVATE KEY-----\ncanary\n",
    "the app's public key": ALIPAY_KEYS.app.publicKey,
    "a private key": ALIPAY_KEYS.other.privateKey,
    "a private key on a curve": String(ec.privateKey.export(pkcs8)),
    "a short private key": String(short.privateKey.export(pkcs8)),
    "a short public key": String(short.publicKey.export(spki)),
    "too much": "x".repeat(300_000),
  } as const;

  test.each([
    ["private_key", "no key", "a private RSA key of at least 2048 bits"],
    ["private_key", "a broken key", "a private RSA key"],
    ["private_key", "the app's public key", "a private RSA key"],
    ["private_key", "a private key on a curve", "a private RSA key"],
    ["private_key", "a short private key", "a private RSA key"],
    ["private_key", "too much", "is no file of at most"],
    ["alipay_public_key", "no key", "a public RSA key of at least 2048 bits"],
    ["alipay_public_key", "a private key", "a public RSA key"],
    ["alipay_public_key", "a short public key", "a public RSA key"],
    ["alipay_public_key", "the app's public key", "wanted the one of Alipay"],
  ] as const)("cannot be used when %s holds %s", async (key, what, why) => {
    const file = await workspace.write("key", texts[what]);
    const name = key === "private_key" ? "privateKeyFile" : "alipayPublicKeyFile";
    const found = faultOf(() => create({ [name]: file }));
    expect(found.code).toBe("config_invalid");
    expect(found.detail).toStartWith(`${key} of a login: ${file} `);
    expect(found.detail).toContain(why);
    // Not even for the log, where causes go.
    expect(`${found.message} ${found.cause}`).not.toContain("canary");
  });

  test("cannot be used when there is no file", () => {
    const found = faultOf(() => create({ privateKeyFile: workspace.file("none") }));
    expect(found.detail).toContain(`cannot read ${workspace.file("none")} (ENOENT)`);
  });
});

function faultOf(make: () => unknown): Fault {
  try {
    make();
  } catch (error) {
    return error as Fault;
  }
  throw new Error("Cannot go on: it threw no fault");
}
