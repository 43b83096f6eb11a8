import { describe, expect, test } from "bun:test";
import { CHECKS } from "../../../src/cli/checks.ts";
import { AREAS, type FindingCode, finding } from "../../../src/doctor/finding.ts";
import type { BadText, GoodText } from "../../../src/doctor/texts.ts";
import { CATALOGUES } from "../../../src/doctor/write-report.ts";

const { en, zh } = CATALOGUES;
/** The compiler sees to it that English has all. */
const FINDING_CODES = Object.keys(en.texts) as FindingCode[];

function partsOf(text: GoodText & Partial<BadText>): string[] {
  return [text.found, text.why, text.remedy].flatMap((it) => it ?? []);
}

function placeholdersIn(parts: readonly string[]): string[] {
  const names = parts.flatMap((it) => [...it.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]));
  return [...new Set(names)].flatMap((it) => it ?? []).sort();
}

describe("the catalogues of the doctor", () => {
  test("have the same codes, each with the same parts and placeholders", () => {
    expect(FINDING_CODES.length).toBeGreaterThan(90);
    expect(Object.keys(zh.texts).sort()).toEqual([...FINDING_CODES].sort());
    for (const code of FINDING_CODES) {
      const [english, chinese] = [partsOf(en.texts[code]), partsOf(zh.texts[code])];
      expect([code, chinese.length]).toEqual([code, english.length]);
      expect([code, ...placeholdersIn(chinese)]).toEqual([code, ...placeholdersIn(english)]);
    }
  });

  test("say why and what to do of all that is not well, and only of that", () => {
    for (const code of FINDING_CODES) {
      const wanted = finding(code).severity === "ok" ? 1 : 3;
      expect([code, partsOf(en.texts[code]).length]).toEqual([code, wanted]);
    }
  });

  test("have the same words, among them one for each check of posthorn check", () => {
    expect(Object.keys(zh.words).sort()).toEqual(Object.keys(en.words).sort());
    for (const { id } of CHECKS) expect(Object.keys(en.words)).toContain(`check_${id}`);
  });

  test("name every area, and are in their languages", () => {
    expect(Object.keys(en.areas).sort()).toEqual([...AREAS].sort());
    expect(Object.keys(zh.areas).sort()).toEqual([...AREAS].sort());
    const own = /\p{Script=Han}/u;
    const untranslated = FINDING_CODES.filter((code) => {
      const text = zh.texts[code].found.replace(/\{[a-z]+\}/g, "");
      return /[a-z]/i.test(text) && !own.test(text);
    });
    expect(untranslated).toEqual([]);
    expect(FINDING_CODES.filter((code) => own.test(JSON.stringify(en.texts[code])))).toEqual([]);
  });
});
