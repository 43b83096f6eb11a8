import type { z } from "zod";
import { isLoopback } from "../core/loopback.ts";
import { type Config, toConfig } from "./config.ts";
import { envNameOf } from "./env-names.ts";
import { fieldAt, formatKey, type KeyPath, namesIn, nearestKey } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { ConfigError, describeValue, type Problem } from "./problems.ts";
import { ConfigSchema, type FileConfig, NAMED_SECTIONS } from "./schema.ts";
import { type ConfigSources, type Layers, layerSources, type Setting, valueAt } from "./sources.ts";
import { tlsProblems } from "./tls-problems.ts";
import { isTable } from "./toml-file.ts";

const NAME_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/;
/** In a place where any name of a table would do. */
const ANY_NAME = "x";
const NAME_WANTED = "1 to 64 of a-z 0-9 _ - with a letter first";

/** Values that were found good, under the names and in the shape of the file. */
export interface CheckedValues {
  readonly values: FileConfig;
  /** One of them as it was written; of a secret only its kind. */
  readonly describe: (path: KeyPath) => string;
}

/** Makes the configuration of a TOML text, variables and flags, as {@link checkSources} takes them. */
export function loadConfig(sources: ConfigSources): Config {
  return toConfig(checkSources(sources).values, sources);
}

/**
 * Lays a TOML text, variables and flags over one another, the later winning. Reads nothing else.
 * Throws one {@link ConfigError} that holds every problem at once.
 */
export function checkSources(sources: ConfigSources): CheckedValues {
  const layers = layerSources(sources);
  const checked = ConfigSchema.safeParse(layers.values);
  const problems = [
    ...layers.strays.map(strayProblem),
    ...(checked.error?.issues ?? []).flatMap((issue) => problemsOf(issue, layers)),
    ...nameProblems(layers),
    ...(checked.success ? insecureProblems(checked.data, sources, layers) : []),
    ...(checked.success ? tlsProblems(checked.data, layers) : []),
  ];
  if (checked.success && problems.length === 0) {
    const describe = (path: KeyPath): string => foundAt(path, undefined, layers);
    return { values: checked.data, describe };
  }
  throw new ConfigError(onePerKey(problems));
}

/** Of several problems with one key the first says enough. */
function onePerKey(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.toReversed().map((it) => [it.key, it])).values()].toReversed();
}

function strayProblem({ path, origin }: Setting): Problem {
  const message = unknownMessage(path, envNameOf);
  return { key: origin.name, origin: { kind: "environment", name: "environment" }, message };
}

function problemsOf(issue: z.core.$ZodIssue, layers: Layers): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const table = issue.path.map(String);
    return issue.keys.map((name) => unknownKey([...table, name], layers));
  }
  return [wrongValue(issue, layers)];
}

function unknownKey(path: KeyPath, { originOf }: Layers): Problem {
  const message = unknownMessage(path, formatKey);
  return { key: formatKey(path), origin: originOf(path), message };
}

function unknownMessage(path: KeyPath, format: (path: KeyPath) => string): string {
  const near = nearestKey(path);
  if (near !== undefined) return `there is no such key, did you mean ${format(near)}?`;
  const known = namesIn(path.slice(0, -1));
  if (known.length > 0) return `there is no such key, known here: ${known.join(", ")}`;
  return `there is no such section, known: ${namesIn([]).join(", ")}`;
}

function wrongValue(issue: z.core.$ZodIssue, layers: Layers): Problem {
  // What is wrong with an item of a list is wrong with the list.
  const path = issue.path.filter((part) => typeof part !== "number").map(String);
  const index = issue.path.find((part) => typeof part === "number");
  const { found = foundAt(path, index, layers), wanted } = ruleOf(issue);
  const item = index === undefined ? "" : ` as item ${index + 1}`;
  const origin = layers.originOf(path);
  const message = `got ${found}${item}, wanted ${wanted ?? fieldAt(path)?.wanted ?? tableAt(path)}`;
  const hint = origin.kind === "default" ? variablesHint(path, layers) : "";
  return { key: formatKey(path), origin, message: `${message}${hint}` };
}

function foundAt(path: KeyPath, index: number | undefined, { values }: Layers): string {
  const field = fieldAt(path);
  const value = valueAt(values, path);
  if (value === undefined && field?.fallback !== undefined) return `the default ${field.fallback}`;
  const isSecret = field?.isSecret ?? isMisplacedSecret(path);
  return describeValue(
    index !== undefined && Array.isArray(value) ? value[index] : value,
    isSecret,
  );
}

/** Whether a key stands in `[push]` that is a secret in `[push.<name>]`. */
function isMisplacedSecret([section = "", name = "", ...deeper]: KeyPath): boolean {
  return deeper.length === 0 && fieldAt([section, ANY_NAME, name])?.isSecret === true;
}

function tableAt([section = "", ...names]: KeyPath): string {
  const noun = new Map<string, string>(Object.entries(NAMED_SECTIONS)).get(section);
  return noun === undefined || names.length !== 1 ? "a table" : `a table [${section}.<${noun}>]`;
}

/** A misspelt name in a variable makes a table of which everything else is missing. */
function variablesHint(path: KeyPath, { values, variablesOf }: Layers): string {
  const [section = "", name = ""] = path;
  const variables = variablesOf([section, name]);
  if (variables.length === 0) return "";
  const tables = Object.keys(valueAt(values, [section]) ?? {});
  const near = nearest(
    name,
    tables.filter((table) => variablesOf([section, table]).length === 0),
  );
  const meant = near === undefined ? "" : `, did you mean ${formatKey([section, near])}?`;
  return `; ${formatKey([section, name])} is there only by ${variables.join(", ")}${meant}`;
}

/** What is wrong with the names that the operator gave to tables. */
function nameProblems({ values, originOf }: Layers): Problem[] {
  return Object.entries(NAMED_SECTIONS).flatMap(([section, noun]) => {
    const tables = values[section];
    if (!isTable(tables)) return [];
    const badNames = Object.keys(tables).filter((name) => !NAME_PATTERN.test(name));
    return badNames.map((name) => {
      const message = `got ${noun} ${describeValue(name)}, wanted ${NAME_WANTED}`;
      const path = [section, name];
      return { key: formatKey(path), origin: originOf(path), message };
    });
  });
}

/** A server that lets everyone do everything is not for the world outside. */
function insecureProblems(
  { clients, server }: FileConfig,
  { flags }: ConfigSources,
  { originOf }: Layers,
): Problem[] {
  // With --dev both keys do not count.
  if (!clients.insecure || flags.dev) return [];
  const problem = (message: string): Problem => {
    const path = ["clients", "insecure"];
    return { key: formatKey(path), origin: originOf(path), message };
  };
  if (server.public_url !== undefined) {
    return [problem("got true beside server.public_url, wanted one of the two")];
  }
  if (flags.host !== undefined || isLoopback(server.host)) return [];
  const found = `server.host ${describeValue(server.host)}`;
  const wanted = 'a loopback address there, such as "127.0.0.1", or serve --host';
  return [problem(`got true beside ${found}, wanted ${wanted}`)];
}

/** What a rule of its own found and wants; else the key itself knows what it wants. */
function ruleOf(issue: z.core.$ZodIssue): { found?: string; wanted?: string } {
  const { found, wanted } = (issue.code === "custom" && issue.params) || {};
  return {
    ...(typeof found === "string" && { found }),
    ...(typeof wanted === "string" && { wanted }),
  };
}
