import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "smol-toml";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { explainCode, explainText } from "../../../src/sdk/explain.ts";
import { REMEDIES } from "../../../src/sdk/remedies.ts";
import { type PhoneGuide, readPhoneGuide } from "../../support/phone-guide.ts";

const GUIDES = { en: readPhoneGuide("en"), zh: readPhoneGuide("zh") };
const LANGUAGES = ["en", "zh"] as const;

describe.each(LANGUAGES)("from zero to a phone (%s)", (lang) => {
  const guide = GUIDES[lang];

  test("has every cause with exactly its remedy", () => {
    const told = causesOf(guide).map(([cause, , , remedy]) => [cause, remedy]);
    expect(Object.fromEntries(told)).toEqual({ ...REMEDIES[lang] });
    expect(told.length).toBe(Object.keys(REMEDIES[lang]).length);
  });

  test("says of every cause what brings it about", () => {
    const words = causesOf(guide).flatMap(([cause, said = ""]) =>
      BY_WORDS.test(said) && !BY_US.test(said) ? quotesIn(said).map((text) => [cause, text]) : [],
    );
    expect(words.length).toBeGreaterThanOrEqual(14);
    const explained = words.map(([cause, text = ""]) => {
      // All others are said of sockets that do not get that far.
      const wasOpen = cause === "connection_lost";
      return explainText({ text, wasOpen }, lang).cause;
    });
    expect(explained).toEqual(words.map(([cause]) => cause) as typeof explained);

    const codes = causesOf(guide).flatMap(([cause, said = ""]) =>
      /^(code|代码|服务器|every)/.test(said)
        ? (said.match(/\d+/g) ?? []).map((code) => [cause, code] as const)
        : [],
    );
    expect(codes.length).toBeGreaterThanOrEqual(9);
    const causes = codes.map(([, code]) => explainCode(Number(code), "", lang).cause);
    expect(causes).toEqual(codes.map(([cause]) => cause) as typeof causes);
  });

  test("has only commands and options that there are", () => {
    const code = guide.parts.flatMap(({ blocks }) => blocks.map(({ text }) => text)).join("\n");
    const spans = [...guide.text.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
    const lines = [...code.split("\n"), ...spans];
    const used = lines.flatMap((line = "") => /^posthorn (.+)$/.exec(line)?.[1] ?? []);
    expect(used.length).toBeGreaterThanOrEqual(10);
    for (const line of used) {
      const [name, ...rest] = line.split(" ");
      const command = COMMANDS.find((it) => it.name === name);
      for (const flag of rest.filter((it) => it.startsWith("--"))) {
        expect({ line, usage: command?.usage }).toEqual({
          line,
          usage: expect.stringContaining(flag),
        });
      }
      expect({ line, name: command?.name }).toEqual({ line, name });
    }
  });

  test("leads to files that there are", () => {
    expect(guide.links.length).toBeGreaterThanOrEqual(5);
    expect(guide.links.filter((path) => !existsSync(path))).toEqual([]);
  });

  test("has settings and code that can be read", () => {
    for (const text of blocksOf(guide, "toml")) expect(() => parse(text)).not.toThrow();
    for (const text of blocksOf(guide, "js")) expect(() => new Function(text)).not.toThrow();
  });
});

describe("from zero to a phone", () => {
  test("has the same parts, tables, commands, settings and code in both languages", () => {
    expect(shapeOf(GUIDES.zh)).toEqual(shapeOf(GUIDES.en));
    for (const kind of ["sh", "toml", "js", "text"]) {
      expect(blocksOf(GUIDES.zh, kind)).toEqual(blocksOf(GUIDES.en, kind));
      expect(blocksOf(GUIDES.en, kind).length).toBeGreaterThan(0);
    }
  });

  test.each([
    ["README.md", "config/demo/from-zero-to-a-phone.md"],
    ["README.zh-CN.md", "config/demo/from-zero-to-a-phone.zh-CN.md"],
    ["config/demo/miniprogram/README.md", "../from-zero-to-a-phone.md"],
    ["config/demo/miniprogram/README.zh-CN.md", "../from-zero-to-a-phone.zh-CN.md"],
  ])("is linked from %s", (readme, link) => {
    const text = readFileSync(resolve(import.meta.dir, "../../..", readme), "utf8");
    expect(text).toContain(`](${link})`);
  });

  test("has Chinese for each remedy, and English for none of them", () => {
    for (const text of Object.values(REMEDIES.zh)) expect(text).toMatch(/\p{Script=Han}{2}/u);
    for (const text of Object.values(REMEDIES.en)) expect(text).not.toMatch(/\p{Script=Han}/u);
  });
});

/** Rows of the last table of all: cause, words, meaning, remedy. */
function causesOf(guide: PhoneGuide) {
  const part = guide.parts.find(({ heading }) => heading.startsWith("## 9."));
  return (part?.rows ?? [])
    .slice(1)
    .map(([cause = "", ...rest]) => [cause.replaceAll("`", ""), ...rest]);
}

/** A cell with the words of a platform, and one with words of the client itself. */
const BY_WORDS = /`/;
const BY_US = /getTicket/;

/** What a platform says: the quoted words, and the numbers behind them. */
function quotesIn(said: string): readonly string[] {
  const numbers = /errno ([\d ]+(?:or|或)?[\d ]*)/.exec(said)?.[1]?.match(/\d+/g) ?? [];
  return [
    ...[...said.matchAll(/`([^`]+)`/g)].map(([, words = ""]) => words),
    ...numbers.map((number) => `(errno ${number})`),
  ];
}

function shapeOf(guide: PhoneGuide) {
  return guide.parts.map(({ heading, blocks, rows }) => ({
    level: heading.match(/^#+( \d+\.)?/)?.[0],
    blocks: blocks.map(({ kind }) => kind),
    rows: rows.map((row) => row.length),
  }));
}

/** Without comments, which are in the language of the guide. */
function blocksOf(guide: PhoneGuide, kind: string): readonly string[] {
  const comment = kind === "js" ? / *\/\/ .*$/gm : /(?:^| +)# .*$/gm;
  return guide.parts.flatMap(({ blocks }) =>
    blocks.flatMap((it) => (it.kind === kind ? it.text.replace(comment, "") : [])),
  );
}
