import { describe, expect, test } from "bun:test";
import { fieldAt, formatKey, type KeyPath, knownKeys, namesIn } from "../../../src/config/keys.ts";
import { checkSources } from "../../../src/config/load-config.ts";
import { NAMED_SECTIONS } from "../../../src/config/schema.ts";
import { secretsIn } from "../../../src/config/secrets.ts";

/** Each of a text of its own, long enough for whoever asks for that. */
function secret(start: string): string {
  return start.padEnd(40, "0123456789");
}

const TEXT = `
api.keys = ["${secret("api0")}", "${secret("api1")}"]
callbacks.authorization = "${secret("callbacks")}"
devices.fleet_keys = ["${secret("fleet")}"]
metrics.keys = ["${secret("metrics")}"]
acme = { eab_kid = "kid", eab_key = "${secret("acme")}" }
sessions = { secret = "${secret("session")}", previous_secret = "${secret("presession")}" }
tokens = { secret = "${secret("tokens")}", previous_secret = "${secret("pretokens")}" }
logins.wechat = { provider = "wechat", app_id = "a", secret = "${secret("login")}" }
push.jpush = { provider = "jpush", app_key = "k", secret = "${secret("push")}" }
webhooks.backend = { url = "http://b.test/", secret = "whsec_${secret("webhook")}" }
`;

const SECRETS: Readonly<Record<string, string>> = {
  "acme.eab_key": secret("acme"),
  "api.keys[0]": secret("api0"),
  "api.keys[1]": secret("api1"),
  "callbacks.authorization": secret("callbacks"),
  "devices.fleet_keys[0]": secret("fleet"),
  "logins.wechat.secret": secret("login"),
  "metrics.keys[0]": secret("metrics"),
  "push.jpush.secret": secret("push"),
  "sessions.previous_secret": secret("presession"),
  "sessions.secret": secret("session"),
  "tokens.previous_secret": secret("pretokens"),
  "tokens.secret": secret("tokens"),
  "webhooks.backend.secret": `whsec_${secret("webhook")}`,
};

/** Of the tables that operators name, the names they have in the text above. */
const NAMES = { logins: "wechat", push: "jpush", webhooks: "backend" } as const;

function everyKey(): KeyPath[] {
  const names = new Map<string, string>(Object.entries(NAMES));
  const named = Object.keys(NAMED_SECTIONS).map((section) => [section, names.get(section) ?? "x"]);
  return [
    ...knownKeys(),
    ...named.flatMap((table) => namesIn(table).map((name) => [...table, name])),
  ];
}

describe("secretsIn()", () => {
  test("finds every secret that is there, and nothing else", () => {
    const { values } = checkSources({ toml: { path: "p.toml", text: TEXT }, env: {}, flags: {} });
    const found = secretsIn(values).map(({ key, value }) => [key, value] as const);
    expect(Object.fromEntries(found)).toEqual(SECRETS);
  });

  test("is shown here one of each key that the schema calls a secret", () => {
    const keys = everyKey().filter((path) => fieldAt(path)?.isSecret === true);
    const shown = Object.keys(SECRETS).map((key) => key.replace(/\[\d+\]$/, ""));
    expect([...new Set(shown)].toSorted()).toEqual(keys.map(formatKey).toSorted());
  });
});
