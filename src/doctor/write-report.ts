import { AREAS, type Finding, type Severity, type Values } from "./finding.ts";
import type { BadText, Catalogue, GoodText } from "./texts.ts";
import { EN } from "./texts-en.ts";
import { ZH } from "./texts-zh.ts";

/** The languages a report can be written in. */
export const CATALOGUES = { en: EN, zh: ZH } as const satisfies Record<string, Catalogue>;

export type Language = keyof typeof CATALOGUES;

/** A finding in words. */
export interface Told {
  readonly found: string;
  /** Absent where all is well. */
  readonly why?: string;
  readonly remedy?: string;
}

/** How a report is written. */
export interface ReportOptions {
  readonly language: Language;
  readonly isColoured: boolean;
  /** What was looked at: a URL or a file. */
  readonly place: string;
  readonly tookMs: number;
  /** Whatever must not be shown, wherever it comes from. */
  readonly secrets: readonly string[];
}

const COLOURS: Readonly<Record<Severity, number>> = { ok: 32, warning: 33, error: 31 };
const DIM = 2;
const BOLD = 1;
/** Of the label before a line, in columns of a terminal. */
const LABEL_COLUMNS = 6;

/** Says a finding in a language. A text without its value is a bug. */
export function tell({ code, values }: Finding, { texts, words }: Catalogue): Told {
  const text: GoodText & Partial<BadText> = texts[code];
  const complete = (template: string) => fill(template, values, words);
  return {
    found: complete(text.found),
    ...(text.why !== undefined && { why: complete(text.why) }),
    ...(text.remedy !== undefined && { remedy: complete(text.remedy) }),
  };
}

/** A report for a person: by area, what is wrong with its reason and its remedy. */
export function reportText(seen: readonly Finding[], options: ReportOptions): string {
  const findings = conceal(seen, options.secrets);
  const catalogue = CATALOGUES[options.language];
  const paint = painter(options.isColoured);
  const parts = AREAS.flatMap((area) => {
    const own = findings.filter((it) => it.area === area);
    if (own.length === 0) return [];
    return [
      paint(catalogue.areas[area], BOLD),
      ...own.flatMap((it) => linesOf(it, catalogue, paint)),
      "",
    ];
  });
  const lines = [options.place, "", ...parts, summary(findings, catalogue, options.tookMs), ""];
  return lines.join("\n");
}

/** A report for a script, as one line. */
export function reportJson(seen: readonly Finding[], options: ReportOptions): string {
  const findings = conceal(seen, options.secrets);
  const catalogue = CATALOGUES[options.language];
  const { place, tookMs } = options;
  const list = findings.map((it) => {
    const { code, area, severity, values } = it;
    return { code, area, severity, ...tell(it, catalogue), values: plain(values) };
  });
  const report = { ok: isWell(findings), place, took_ms: Math.round(tookMs), findings: list };
  return `${JSON.stringify(report)}\n`;
}

/** Whether nothing is an error. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity !== "error");
}

/** Completes a template; `{name}` stands for the value of that name. */
export function fill(
  template: string,
  values: Values,
  words: Readonly<Record<string, string>> = {},
): string {
  return template.replace(/\{([a-z]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`Cannot complete "${template}": no value ${name}`);
    if (typeof value !== "object") return oneLine(String(value));
    return words[value.word] ?? value.word;
  });
}

type Paint = (text: string, style: number) => string;

function painter(isColoured: boolean): Paint {
  return (text, style) => (isColoured ? `\u001b[${style}m${text}\u001b[0m` : text);
}

function linesOf(it: Finding, catalogue: Catalogue, paint: Paint): string[] {
  const { labels } = catalogue;
  const { found, why, remedy } = tell(it, catalogue);
  const label = (text: string, style: number) => `  ${paint(padded(text), style)} `;
  return [
    `${label(labels[it.severity], COLOURS[it.severity])}${found}`,
    ...(why === undefined ? [] : [`${label(labels.why, DIM)}${why}`]),
    ...(remedy === undefined ? [] : [`${label(labels.remedy, DIM)}${remedy}`]),
  ];
}

function summary(findings: readonly Finding[], { labels }: Catalogue, tookMs: number): string {
  const count = (severity: Severity) => findings.filter((it) => it.severity === severity).length;
  const values = {
    errors: count("error"),
    warnings: count("warning"),
    seconds: Math.round(tookMs / 100) / 10,
  };
  return fill(isWell(findings) ? labels.well : labels.ill, values);
}

/** Chinese characters are two columns wide. */
function padded(text: string): string {
  const columns = [...text].reduce((sum, it) => sum + (it > "\u2e7f" ? 2 : 1), 0);
  return text + " ".repeat(Math.max(0, LABEL_COLUMNS - columns));
}

function plain(values: Values): Record<string, string | number> {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "object" ? value.word : value]),
  );
}

/** Whoever answers may say anything, also what moves a terminal's cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

/** Without whatever must not be shown, wherever in an answer it came back. */
function conceal(findings: readonly Finding[], secrets: readonly string[]): Finding[] {
  const forms = secrets.filter((it) => it !== "").flatMap((it) => [it, encodeURIComponent(it)]);
  const hide = (text: string) => forms.reduce((shown, it) => shown.replaceAll(it, "…"), text);
  return findings.map((it) => {
    const entries = Object.entries(it.values).map(([name, value]) => [
      name,
      typeof value === "string" ? hide(value) : value,
    ]);
    return { ...it, values: Object.fromEntries(entries) };
  });
}
