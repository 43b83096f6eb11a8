import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { fieldAt, formatKey, type KeyPath, knownKeys } from "../../../src/config/keys.ts";
import { load } from "./sources.ts";

const TEXT = await Bun.file(resolve(import.meta.dir, "../../../config/posthorn.toml")).text();

interface Entry {
  readonly key: string;
  /** The comment above the key, its lines joined. */
  readonly comment: string;
  /** What stands behind `=`. */
  readonly value: string;
  readonly isCommentedOut: boolean;
}

/** Every `key = value` of the reference with the comment above it. */
function readEntries(): Entry[] {
  const entries: Entry[] = [];
  let table = "";
  let comment: string[] = [];
  for (const line of TEXT.split("\n")) {
    const [, header] = /^\[(.+)\]$/.exec(line) ?? [];
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

describe("config/posthorn.toml", () => {
  test("says nothing but the defaults", () => {
    expect(load({ toml: TEXT })).toEqual(load({}));
  });

  test("holds every key there is, once, and no other", () => {
    expect(ENTRIES.map(({ key }) => key).toSorted()).toEqual(knownKeys().map(formatKey).toSorted());
  });

  test.each(knownKeys().map((path) => [formatKey(path), path] as const))(
    "describes %s as its schema does, with its default",
    (key: string, path: KeyPath) => {
      const field = fieldAt(path);
      const entry = ENTRIES.find((it) => it.key === key);
      const { description, wanted, fallback = "none" } = field ?? {};
      expect(entry?.comment).toBe(`${description} Wants: ${wanted} Default: ${fallback}`);
      expect(entry?.isCommentedOut).toBe(fallback === "none");
      if (fallback !== "none") expect(entry?.value).toBe(fallback);
    },
  );

  test.each(ENTRIES.filter(({ isCommentedOut }) => isCommentedOut))(
    "gives a value for $key that would be taken",
    ({ key, value }) => {
      const [section, name] = key.split(".");
      const partners = {
        cert: "key = 'k'",
        key: "cert = 'c'",
        previous_secret: `secret = ${value}`,
      };
      const partner = new Map(Object.entries(partners)).get(name ?? "") ?? "";
      expect(() => load({ toml: `[${section}]\n${partner}\n${name} = ${value}` })).not.toThrow();
    },
  );
});
