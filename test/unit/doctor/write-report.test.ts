import { describe, expect, test } from "bun:test";
import { finding } from "../../../src/doctor/finding.ts";
import { languageNamed, languageOf } from "../../../src/doctor/language.ts";
import { type ReportOptions, reportJson, reportText } from "../../../src/doctor/write-report.ts";

const OPTIONS: ReportOptions = {
  language: "en",
  isColoured: false,
  place: "https://push.example.com",
  tookMs: 1234,
  secrets: ["s3cret/with+signs"],
};

const FINDINGS = [
  finding("port_closed", { address: "203.0.113.7", port: 443, reason: { word: "refused" } }),
  finding("name_found", { host: "push.example.com", addresses: "203.0.113.7" }),
];

describe("a report of the doctor", () => {
  test("reportText() says by area what is wrong, why and what to do", () => {
    expect(reportText(FINDINGS, OPTIONS)).toBe(`https://push.example.com

Network
  FAIL   Port 443 of 203.0.113.7 takes no connection: refused
  why    Nothing can reach the server there
  fix    Start the server, let the port through the firewall and the cloud's security group, or correct the port
  ok     push.example.com leads to 203.0.113.7

Errors: 1; warnings: 0 (1.2 s)
`);
  });

  test("reportText() aligns Chinese labels by their columns and translates words", () => {
    const text = reportText(FINDINGS, { ...OPTIONS, language: "zh" });
    expect(text).toContain("  错误   203.0.113.7 的端口 443 连不上：被拒绝\n");
    expect(text).toContain("错误 1 项");
  });

  test("reportText() has colours only where they are wanted", () => {
    expect(reportText(FINDINGS, OPTIONS)).not.toContain("\u001b");
    const text = reportText(FINDINGS, { ...OPTIONS, isColoured: true });
    expect(text).toContain("\u001b[31mFAIL  \u001b[0m");
  });

  test("reportJson() has codes, texts and values", () => {
    const report = JSON.parse(reportJson(FINDINGS, OPTIONS));
    expect(report).toMatchObject({ ok: false, place: OPTIONS.place, took_ms: 1234 });
    expect(report.findings[0]).toEqual({
      code: "port_closed",
      area: "network",
      severity: "error",
      found: expect.stringContaining("refused"),
      why: expect.any(String),
      remedy: expect.any(String),
      values: { address: "203.0.113.7", port: 443, reason: "refused" },
    });
    expect(JSON.parse(reportJson([], OPTIONS))).toMatchObject({ ok: true, findings: [] });
  });

  test("no report shows a secret that came back, nor what would move the cursor", () => {
    const page = "you sent s3cret/with+signs or s3cret%2Fwith%2Bsigns\u001b[2J\r\n";
    const found = [finding("posthorn_missing", { status: 400, page })];
    for (const text of [reportText(found, OPTIONS), reportJson(found, OPTIONS)]) {
      expect(text).not.toContain("s3cret");
    }
    expect(reportText(found, OPTIONS)).not.toContain("\u001b");
    expect(reportText(found, OPTIONS)).toContain("you sent … or …");
  });

  test("a text whose value is missing is a bug", () => {
    expect(() => reportText([finding("port_open")], OPTIONS)).toThrow("no value port");
  });
});

describe("the language of a report", () => {
  test.each([
    [{}, "en"],
    [{ LANG: "zh_CN.UTF-8" }, "zh"],
    [{ LANG: "zh_CN.UTF-8", LC_ALL: "C" }, "en"],
    [{ LANG: "en_US.UTF-8", LC_MESSAGES: "zh-Hans" }, "zh"],
    [{ LC_ALL: "", LANG: "zh" }, "zh"],
    [{ LANG: "de_DE" }, "en"],
  ] as const)("languageOf(%j) is %s", (env, language) => {
    expect(languageOf(env)).toBe(language);
  });

  test("languageNamed() knows no others", () => {
    expect(languageNamed("fr")).toBeUndefined();
    expect(languageNamed("zh-CN")).toBe("zh");
  });
});
