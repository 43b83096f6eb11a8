import { describe, expect, test } from "bun:test";
import { compareConfigs } from "../../../src/config/compare.ts";
import { checkSources } from "../../../src/config/load-config.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET = "fedcba9876543210fedcba9876543210";

function checked(toml: string, flags: { port?: string } = {}) {
  return checkSources({ toml: { text: toml, path: "posthorn.toml" }, env: {}, flags });
}

function compare(now: string, wanted: string) {
  return compareConfigs(checked(now), checked(wanted));
}

describe("compareConfigs()", () => {
  test("finds nothing where nothing differs but how it is written", () => {
    const { changed, needsRestart } = compare(
      "[limits]\nbody_timeout = '60s'",
      "# a remark\n[limits]\nbody_timeout = '1m'\n[server]\nport = 8077",
    );
    expect({ changed, needsRestart }).toEqual({ changed: [], needsRestart: [] });
  });

  test.each([
    ["[limits]\ncommands_per_second = 5", "limits.commands_per_second"],
    [`[tokens]\nsecret = '${SECRET}'`, "tokens.secret"],
    [`[api]\nkeys = ['${SECRET}']`, "api.keys"],
    [`[devices]\nfleet_keys = ['${SECRET}']`, "devices.fleet_keys"],
    ["[log]\nlevel = 'debug'", "log.level"],
    ["[login]\nreply = ''", "login.reply"],
    ["[clients]\nuser_channel = true", "clients.user_channel"],
    ["[callbacks]\nconnect = 'http://backend/connect'", "callbacks.connect"],
    ["[channels.device]\nhistory_size = 5", "channels.device.history_size"],
    ["[channels.chat]\npresence = true", "channels.chat"],
    [`[webhooks.shop]\nurl = 'http://shop/'\nsecret = 'whsec_${"c".repeat(32)}'`, "webhooks.shop"],
    ["[push.own]\nprovider = 'jpush'\napp_key = 'k'\nsecret = 's'", "push.own"],
    ["[logins.wx]\nprovider = 'wechat'\napp_id = 'a'\nsecret = 's'", "logins.wx"],
  ])("takes over %j when it comes, and when it goes", (toml, key) => {
    const come = compare("", toml);
    expect([come.changed, come.needsRestart]).toEqual([[key], []]);
    expect(come.after.values).toEqual(checked(toml).values);
    const gone = compare(toml, "");
    expect([gone.changed, gone.needsRestart]).toEqual([[key], []]);
    expect(gone.after.values).toEqual(checked("").values);
  });

  test.each([
    ["[server]\nport = 9000", { key: "server.port", is: "the default 8077", wanted: "9000" }],
    [
      "[server]\nhost = '::1'",
      { key: "server.host", is: 'the default "0.0.0.0"', wanted: '"::1"' },
    ],
    [
      "[devices]\ncommand_lease = '2m'",
      { key: "devices.command_lease", is: 'the default "30s"', wanted: '"2m"' },
    ],
    [
      "[store]\nsync = 'normal'",
      { key: "store.sync", is: 'the default "full"', wanted: '"normal"' },
    ],
  ])("names %j as what needs a restart, with both values", (toml, wanted) => {
    const { changed, needsRestart, after } = compare("", toml);
    expect([changed, needsRestart]).toEqual([[], [wanted]]);
    expect(after.values).toEqual(checked("").values);
  });

  test("keeps what needs a restart as it is and takes over the rest", () => {
    const { changed, needsRestart, after } = compare(
      "[server]\nport = 9000\n[tls]\ncert = 'a'\nkey = 'b'",
      "[server]\nport = 9001\n[limits]\nevents_per_post = 7",
    );
    expect(changed).toEqual(["limits.events_per_post"]);
    expect(needsRestart.map(({ key }) => key)).toEqual(["server.port", "tls.cert", "tls.key"]);
    expect(after.values.server.port).toBe(9000);
    expect(after.values.tls).toMatchObject({ cert: "a", key: "b" });
    expect(after.values.limits.events_per_post).toBe(7);
  });

  test("keeps away what would need a restart to come", () => {
    const { after } = compare("", "[tls]\ncert = 'a'\nkey = 'b'");
    expect(after.values.tls.cert).toBeUndefined();
  });

  test("goes on naming it, as it still is, until somebody restarts the server", () => {
    const first = compareConfigs(
      checked("[server]\nport = 9000"),
      checked("[server]\nport = 9001"),
    );
    const second = compareConfigs(first.after, checked("[server]\nport = 9002"));
    expect(second.needsRestart).toEqual([{ key: "server.port", is: "9000", wanted: "9002" }]);
    const back = compareConfigs(second.after, checked("[server]\nport = 9000"));
    expect(back.needsRestart).toEqual([]);
  });

  test("does not see what a flag decides", () => {
    const flags = { port: "7000" };
    const { needsRestart } = compareConfigs(
      checked("[server]\nport = 9000", flags),
      checked("[server]\nport = 9001", flags),
    );
    expect(needsRestart).toEqual([]);
  });

  test("names one key of a table that was there and is there", () => {
    const shop = (url: string) =>
      `[webhooks.shop]\nurl = '${url}'\nsecret = 'whsec_${"c".repeat(32)}'`;
    expect(compare(shop("http://a/"), shop("http://b/")).changed).toEqual(["webhooks.shop.url"]);
  });

  test("never shows a secret", () => {
    const change = compare(
      `[tokens]\nsecret = '${SECRET}'\n[server]\nport = 1`,
      `[tokens]\nsecret = '${OTHER_SECRET}'\n[server]\nport = 2`,
    );
    const { after: _, ...told } = change;
    expect(JSON.stringify(told)).not.toMatch(/0123456789abcdef|fedcba/);
    expect(change.after.describe(["tokens", "secret"])).toBe("a text of 32 characters");
  });
});
