import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { METRICS } from "../../../src/core/metrics/table.ts";

const CONFIG = resolve(import.meta.dir, "../../../config");
const read = (path: string) => Bun.file(resolve(CONFIG, path)).text();

const TABLE: Readonly<Record<string, { kind: string; labels: readonly string[]; help: string }>> =
  METRICS;

/** The metric that a name in an expression stands for; undefined when there is none. */
function metricOf(name: string) {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  if (TABLE[base]?.kind === "histogram") return name === base ? undefined : TABLE[base];
  return TABLE[name];
}

function namesIn(expression: string): readonly string[] {
  return expression.match(/\bposthorn_[a-z_]+/g) ?? [];
}

/** What each metric of an expression is asked for, be it selected or grouped by. */
function selectorsIn(expression: string) {
  return [...expression.matchAll(/\b(posthorn_[a-z_]+)\{([^}]*)\}/g)].map(
    ([, name = "", inner = ""]) => ({
      name,
      labels: [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }),
  );
}

const SCRAPE_LABELS = ["job", "instance", "le"];

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string; readonly datasource: { uid: string } }[];
  }[];
  readonly templating: { readonly list: readonly { name: string; type: string }[] };
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly remedy: string };
}

const dashboard: Dashboard = JSON.parse(await read("grafana/posthorn.json"));
const rules = (
  Bun.YAML.parse(await read("prometheus/posthorn-rules.yml")) as {
    groups: readonly { rules: readonly Rule[] }[];
  }
).groups.flatMap((group) => group.rules);

const targets = dashboard.panels.flatMap(({ targets = [] }) => targets);
const expressions = [...targets.map(({ expr }) => expr), ...rules.map(({ expr }) => expr)];

describe("the dashboard and the alerts", () => {
  test("name only metrics that there are, histograms by their parts", () => {
    const named = expressions.flatMap(namesIn);
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter((name) => metricOf(name) === undefined)).toEqual([]);
  });

  test("select by labels that the metric has", () => {
    const wrong = expressions.flatMap(selectorsIn).flatMap(({ name, labels }) => {
      const known = [...(metricOf(name)?.labels ?? []), ...SCRAPE_LABELS];
      return labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`);
    });
    expect(wrong).toEqual([]);
  });

  test("have balanced brackets", () => {
    for (const expr of expressions) {
      for (const [open, close] of ["()", "{}", "[]"].map((pair) => [...pair])) {
        const count = (char = "") => expr.split(char).length;
        expect({ expr, same: count(open) === count(close) }).toEqual({ expr, same: true });
      }
    }
  });
});

describe("the dashboard", () => {
  test("shows every metric of the table", () => {
    const shown = new Set(targets.flatMap(({ expr }) => namesIn(expr)).map(metricOf));
    expect(Object.keys(METRICS).filter((name) => !shown.has(TABLE[name]))).toEqual([]);
  });

  test("has the rows an operator looks for, a data source to choose, and panels that fit", () => {
    const rows = dashboard.panels.filter(({ type }) => type === "row");
    expect(rows.map(({ title }) => title)).toEqual([
      "Overview",
      "Clients",
      "Devices and commands",
      "Webhooks and push",
      "Store",
      "Node",
    ]);
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: "datasource", type: "datasource" }),
    );
    for (const { datasource } of targets) expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

test("every alert has a severity, says what is wrong and what to do", () => {
  expect(rules.length).toBeGreaterThan(10);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { labels, annotations } of rules) {
    expect(["warning", "critical"]).toContain(labels.severity);
    expect(annotations.summary.length).toBeGreaterThan(10);
    expect(annotations.remedy.length).toBeGreaterThan(20);
  }
});

test("the list of metrics has each of the table, with its kind, labels and help", async () => {
  const lines = (await read("prometheus/metrics.md"))
    .split("\n")
    .filter((it) => it.startsWith("- "));
  const wanted = Object.entries(TABLE).map(([name, { kind, labels, help }]) => {
    const what = [kind, ...labels.map((it) => `\`${it}\``)].join(", ");
    return `- \`${name}\` (${what}): ${help}`;
  });
  expect(lines).toEqual(wanted);
});
