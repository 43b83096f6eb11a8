import { isDeepStrictEqual } from "node:util";
import { formatKey, type KeyPath } from "./keys.ts";
import type { CheckedValues } from "./load-config.ts";
import { REACH, type Reach } from "./reach.ts";
import type { FileConfig } from "./schema.ts";

/** A key that differs, and that only a restart could change. */
export interface RestartKey {
  readonly key: string;
  /** As they are written; of a secret only its kind. */
  readonly is: string;
  readonly wanted: string;
}

/** What a running server makes of another configuration. */
export interface ConfigChange {
  /** The keys that it takes over; a table that came or went is one. */
  readonly changed: readonly string[];
  readonly needsRestart: readonly RestartKey[];
  /** What holds then: all that is wanted but for what needs a restart. */
  readonly after: CheckedValues;
}

type Table = Readonly<Record<string, unknown>>;

interface Differing {
  readonly path: KeyPath;
  readonly reach: Reach;
}

function live(path: KeyPath): Differing {
  return { path, reach: "live" };
}

/** Compares what holds with what is wanted. */
export function compareConfigs(now: CheckedValues, wanted: CheckedValues): ConfigChange {
  const differing = Object.entries(REACH).flatMap(([section, reach]): Differing[] => {
    const [is, will] = [tableIn(now.values, section), tableIn(wanted.values, section)];
    if (reach === "live") return differingTables(section, is, will).map(live);
    const keys = differingKeys([section], is, will);
    return keys.map((path) => ({ path, reach: reachOf(path, reach) }));
  });
  const kept = differing.filter(({ reach }) => reach === "restart").map(({ path }) => path);
  const keptKeys = new Set(kept.map(formatKey));
  return {
    changed: differing.filter(({ reach }) => reach === "live").map(({ path }) => formatKey(path)),
    needsRestart: kept.map((path) => ({
      key: formatKey(path),
      is: now.describe(path),
      wanted: wanted.describe(path),
    })),
    after: {
      values: withKept(wanted.values, now.values, kept),
      describe: (path) => (keptKeys.has(formatKey(path)) ? now : wanted).describe(path),
    },
  };
}

/** Of a section whose tables the operator names only whole tables can stay as they are. */
function reachOf(path: KeyPath, reaches: Readonly<Record<string, Reach>> | Reach): Reach {
  const reach = typeof reaches === "string" ? reaches : reaches[path.at(-1) ?? ""];
  if (reach === undefined) throw new Error(`Cannot compare ${formatKey(path)}: it has no reach`);
  return reach;
}

/** Of tables that the operator names: each one that is in one of the two only, and the keys of the others. */
function differingTables(section: string, is: Table, wanted: Table): KeyPath[] {
  return [...new Set([...Object.keys(is), ...Object.keys(wanted)])].flatMap((name) => {
    const path = [section, name];
    if (!Object.hasOwn(is, name) || !Object.hasOwn(wanted, name)) return [path];
    return differingKeys(path, tableIn(is, name), tableIn(wanted, name));
  });
}

function differingKeys(table: KeyPath, is: Table, wanted: Table): KeyPath[] {
  return [...new Set([...Object.keys(is), ...Object.keys(wanted)])]
    .filter((name) => !isDeepStrictEqual(is[name], wanted[name]))
    .map((name) => [...table, name]);
}

function tableIn(values: object, name: string): Table {
  const table: unknown = new Map<string, unknown>(Object.entries(values)).get(name);
  return typeof table === "object" && table !== null ? { ...table } : {};
}

/** What is wanted, with these keys as they are. */
function withKept(wanted: FileConfig, now: FileConfig, kept: readonly KeyPath[]): FileConfig {
  const values: Record<string, Table> = { ...wanted };
  for (const [section = "", name = ""] of kept) {
    const table = { ...values[section], [name]: tableIn(now, section)[name] };
    values[section] = Object.fromEntries(
      Object.entries(table).filter(([, it]) => it !== undefined),
    );
  }
  return values as FileConfig;
}
