import { parse, TomlError } from "smol-toml";
import type { KeyPath } from "./keys.ts";
import { ConfigError } from "./problems.ts";

/** A configuration file's text and the path to call it by. */
export interface TomlFile {
  readonly text: string;
  readonly path: string;
}

/** A table of TOML. It has no prototype. */
export type Table = Record<string, unknown>;

const HEADER_PATTERN = /^\s*(\[.+\])\s*(?:#.*)?$/;
const ASSIGNMENT_PATTERN = /^\s*([^#=]+)=/;

/** Parses a file, or throws a {@link ConfigError} that names the line and the column. */
export function parseToml({ text, path }: TomlFile): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line only, and no cause: the rest quotes the file, which may hold a secret.
    const reason = error.message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "");
    const name = `${path}:${error.line}:${error.column}`;
    const message = `this is not TOML: ${reason}`;
    throw new ConfigError([{ key: "", origin: { kind: "file", name }, message }]);
  }
}

/**
 * The line, counted from 1, on which `path` first appears. The parser tells no places, so this
 * reads headers and the left sides of assignments; it is for messages only.
 */
export function lineOf(text: string, path: KeyPath): number | undefined {
  let table: KeyPath = [];
  for (const [index, line] of text.split("\n").entries()) {
    const header = HEADER_PATTERN.exec(line)?.[1];
    const assigned = ASSIGNMENT_PATTERN.exec(line)?.[1];
    if (header !== undefined) table = keysIn(header);
    const here = header === undefined && assigned !== undefined ? keysIn(`${assigned}=0`) : [];
    if (path.every((part, depth) => part === [...table, ...here][depth])) return index + 1;
  }
  return undefined;
}

/** The chain of names that one line of TOML opens; a line that is none, in a long text, opens none. */
function keysIn(line: string): KeyPath {
  try {
    return chainOf(parse(line));
  } catch {
    return [];
  }
}

function chainOf(value: unknown): KeyPath {
  if (!isTable(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...chainOf(inner)]);
}

/** Whether a TOML value is a table, not a list, a date or a plain value. */
export function isTable(value: unknown): value is Table {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
