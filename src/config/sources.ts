import { envPartOf, keyOfEnvName } from "./env-names.ts";
import { fieldAt, formatKey, type KeyPath } from "./keys.ts";
import type { Origin } from "./problems.ts";
import { isTable, lineOf, parseToml, type Table, type TomlFile } from "./toml-file.ts";

/** What the command line may say about the configuration, as text. */
export interface ConfigFlags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
  /** Development: loopback only and nothing kept, unless the other flags say otherwise. */
  readonly dev?: boolean | undefined;
}

/** Everything a configuration is made of, weakest first. */
export interface ConfigSources {
  readonly toml?: TomlFile;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigFlags;
  /** What relative paths start from. Absent: they stay as they are. */
  readonly cwd?: string;
}

/** One variable or flag. */
export interface Setting {
  readonly path: KeyPath;
  readonly text: string;
  readonly origin: Origin;
}

/** The sources laid over one another, not yet checked against the schema. */
export interface Layers {
  readonly values: Table;
  /** Variables that name no key. */
  readonly strays: readonly Setting[];
  readonly originOf: (path: KeyPath) => Origin;
  /** The variables by which alone there is a table, e.g. `["push", "jpush"]`; none of a table of the file. */
  readonly variablesOf: (table: KeyPath) => readonly string[];
}

/** Lays variables over the file and flags over the variables. Throws when the file is not TOML. */
export function layerSources({ toml, env, flags }: ConfigSources): Layers {
  const values = parseToml(toml ?? { text: "", path: "" });
  const settings = [...settingsInEnv(env, values), ...settingsInFlags(flags)];
  const [strays, known] = [settings.filter(isStray), settings.filter((it) => !isStray(it))];
  const made = known.filter(({ path: [section = "", name = "", key] }) => {
    return key !== undefined && valueAt(values, [section, name]) === undefined;
  });
  const variablesOf = (table: KeyPath): string[] =>
    made
      .filter(({ path }) => formatKey(path.slice(0, 2)) === formatKey(table))
      .map(({ origin }) => origin.name);
  for (const setting of known) put(values, setting);
  const origins = new Map(known.map(({ path, origin }) => [formatKey(path), origin]));
  return {
    values,
    strays,
    originOf: (path) => {
      const variables = variablesOf(path).join(", ");
      if (variables !== "") return { kind: "environment", name: variables };
      return origins.get(formatKey(path)) ?? originInFile(values, path, toml);
    },
    variablesOf,
  };
}

/** The value at a place, or undefined when there is none. */
export function valueAt(values: Table, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (table, name) => (isTable(table) && Object.hasOwn(table, name) ? table[name] : undefined),
    values,
  );
}

function settingsInEnv(env: ConfigSources["env"], file: Table): Setting[] {
  return Object.entries(env).flatMap(([name, text]) => {
    const path = keyOfEnvName(name);
    if (path === undefined || text === undefined) return [];
    return [{ path: pathInFile(path, file), text, origin: { kind: "environment", name } }];
  });
}

/** The file's own name of a table that a variable speaks of: `shop-a` for `shop_a`, when only one can be meant. */
function pathInFile(path: KeyPath, file: Table): KeyPath {
  const [section = "", name = "", key] = path;
  const tables = valueAt(file, [section]);
  if (key === undefined || !isTable(tables) || Object.hasOwn(tables, name)) return path;
  const [meant, ...others] = Object.keys(tables).filter((table) => envPartOf(table) === name);
  return meant === undefined || others.length > 0 ? path : [section, meant, key];
}

function settingsInFlags(flags: ConfigFlags): Setting[] {
  return (["host", "port", "data"] as const).flatMap((name) => {
    const text = flags[name];
    if (text === undefined) return [];
    return [{ path: ["server", name], text, origin: { kind: "flag", name: `--${name}` } }];
  });
}

function isStray({ path }: Setting): boolean {
  return fieldAt(path) === undefined;
}

/** Where the file has a plain value instead of a table, that is the problem to report; the setting is left out. */
function put(values: Table, { path, text }: Setting): void {
  const name = path.at(-1) ?? "";
  const table = path.slice(0, -1).reduce<Table | undefined>(openTable, values);
  if (table !== undefined) table[name] = fieldAt(path)?.fromText(text);
}

function openTable(table: Table | undefined, name: string): Table | undefined {
  if (table === undefined) return undefined;
  if (!Object.hasOwn(table, name)) table[name] = Object.create(null);
  const inner = table[name];
  return isTable(inner) ? inner : undefined;
}

function originInFile(values: Table, path: KeyPath, toml: TomlFile | undefined): Origin {
  if (toml === undefined || valueAt(values, path) === undefined) {
    return { kind: "default", name: "not set" };
  }
  const line = lineOf(toml.text, path);
  return { kind: "file", name: line === undefined ? toml.path : `${toml.path}:${line}` };
}
