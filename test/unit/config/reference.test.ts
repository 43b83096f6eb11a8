import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { fieldAt, formatKey, type KeyPath, knownKeys, namesIn } from "../../../src/config/keys.ts";
import { load, problemsWith } from "./sources.ts";

const TEXT = await Bun.file(resolve(import.meta.dir, "../../../config/posthorn.toml")).text();

/** Tables that the operator names; the reference shows one of each. */
const EXAMPLES: readonly KeyPath[] = [
  ["certificates", "shop"],
  ["logins", "wechat"],
  ["push", "jpush"],
  ["webhooks", "backend"],
];
const isExample = ([section]: KeyPath) => EXAMPLES.some(([it]) => it === section);
const KEYS = [
  ...knownKeys(),
  ...EXAMPLES.flatMap((table) => namesIn(table).map((name) => [...table, name])),
];

interface Entry {
  readonly key: string;
  /** The comment above the key, its lines joined. */
  readonly comment: string;
  /** What stands behind `=`. */
  readonly value: string;
  readonly isCommentedOut: boolean;
}

const WEBHOOK_SECRET = `whsec_${"c".repeat(32)}`;

/** What else has to stand in its table for a key to be taken. */
const PARTNERS: Readonly<Record<string, readonly string[]>> = {
  "tls.cert": ["key = 'k'"],
  "tls.key": ["cert = 'c'"],
  "tls.client_ca": ["cert = 'c'", "key = 'k'"],
  "acme.eab_kid": [`eab_key = "${"k".repeat(32)}"`],
  "acme.eab_key": ["eab_kid = 'k'"],
  "certificates.shop.cert": ["key = 'k'"],
  "certificates.shop.key": ["cert = 'c'"],
  "tokens.previous_secret": [`secret = '${"s".repeat(32)}'`],
  "sessions.previous_secret": [`secret = '${"s".repeat(32)}'`],
  "logins.wechat.provider": ["app_id = 'a'", "secret = 's'"],
  "logins.wechat.url": ["provider = 'wechat'", "app_id = 'a'", "secret = 's'"],
  "logins.wechat.app_id": ["provider = 'wechat'", "secret = 's'"],
  "logins.wechat.secret": ["provider = 'wechat'", "app_id = 'a'"],
  "logins.wechat.private_key": ["provider = 'alipay'", "app_id = 'a'"],
  "logins.wechat.alipay_public_key": ["provider = 'alipay'", "app_id = 'a'", "private_key = 'k'"],
  "logins.wechat.user": ["provider = 'wechat'", "app_id = 'a'", "secret = 's'"],
  "logins.wechat.prefix": ["provider = 'wechat'", "app_id = 'a'", "secret = 's'"],
  "push.jpush.provider": ["app_key = 'k'", "secret = 's'"],
  "push.jpush.url": ["provider = 'jpush'", "app_key = 'k'", "secret = 's'"],
  "push.jpush.app_key": ["provider = 'jpush'", "secret = 's'"],
  "push.jpush.secret": ["provider = 'jpush'", "app_key = 'k'"],
  "push.jpush.credentials": ["provider = 'fcm'"],
  "push.jpush.package": ["provider = 'fcm'", "credentials = 'c'"],
  "webhooks.backend.url": [`secret = '${WEBHOOK_SECRET}'`],
  "webhooks.backend.secret": ["url = 'http://b/'"],
  "webhooks.backend.events": ["url = 'http://b/'", `secret = '${WEBHOOK_SECRET}'`],
};

const TLS = "[tls]\ncert = 'c'\nkey = 'k'";

/** And what in other tables. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "server.http_port": TLS,
  "server.devices_port": `${TLS}\nclient_ca = 'a'`,
  "tls.client_ca": "[server]\ndevices_port = 1",
  "certificates.shop.cert": TLS,
  "certificates.shop.key": TLS,
};

/** Every `key = value` of the reference with the comment above it. */
function readEntries(): Entry[] {
  const entries: Entry[] = [];
  let table = "";
  let comment: string[] = [];
  for (const line of TEXT.split("\n")) {
    const [, header] = /^(?:# )?\[([a-z.]+)\]$/.exec(line) ?? [];
    const [, mark, name, value] = /^(# )?([a-z_]+) = (.+)$/.exec(line) ?? [];
    if (header !== undefined) table = header;
    if (name !== undefined && value !== undefined) {
      const isCommentedOut = mark !== undefined;
      entries.push({ key: `${table}.${name}`, comment: comment.join(" "), value, isCommentedOut });
    }
    comment = line.startsWith("# ") && name === undefined ? [...comment, line.slice(2)] : [];
  }
  return entries;
}

const ENTRIES = readEntries();

function isSecret({ key }: Entry): boolean {
  return fieldAt(key.split("."))?.isSecret === true;
}

/** The same with another first letter after what a prefix may be. */
function ownOf(value: string): string {
  return value.replace(/(whsec_|")(?=[^"w])./, "$1Z");
}

function tomlOf({ key, value }: Pick<Entry, "key" | "value">): string {
  const table = key.slice(0, key.lastIndexOf("."));
  const name = key.slice(table.length + 1);
  const partner = new Map(Object.entries(PARTNERS)).get(key)?.join("\n") ?? "";
  return `[${table}]\n${partner}\n${name} = ${value}\n${ELSEWHERE[key] ?? ""}`;
}

describe("config/posthorn.toml", () => {
  test("says nothing but the defaults", () => {
    expect(load({ toml: TEXT })).toEqual(load({}));
  });

  test("holds every key there is, once, and no other", () => {
    expect(ENTRIES.map(({ key }) => key).toSorted()).toEqual(KEYS.map(formatKey).toSorted());
  });

  test.each(KEYS.map((path) => [formatKey(path), path] as const))(
    "describes %s as its schema does, with its default",
    (key: string, path: KeyPath) => {
      const field = fieldAt(path);
      const entry = ENTRIES.find((it) => it.key === key);
      const { description, wanted, fallback = "none" } = field ?? {};
      expect(entry?.comment).toBe(`${description} Wants: ${wanted} Default: ${fallback}`);
      expect(entry?.isCommentedOut).toBe(fallback === "none" || isExample(path));
      if (fallback !== "none") expect(entry?.value).toBe(fallback);
    },
  );

  const samples = ENTRIES.filter(({ isCommentedOut }) => isCommentedOut);

  test.each(samples.filter((entry) => !isSecret(entry)))(
    "gives a value for $key that would be taken",
    (entry) => {
      expect(problemsWith({ toml: tomlOf(entry) })).toEqual([]);
    },
  );

  test.each(samples.filter(isSecret))("gives a secret for $key that is not taken", (entry) => {
    const problems = problemsWith({ toml: tomlOf(entry) });
    const wanted = "got the sample of the documentation, wanted a secret of your own";
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    // Nothing else is wrong with it.
    expect(problemsWith({ toml: tomlOf({ ...entry, value: ownOf(entry.value) }) })).toEqual([]);
  });
});
