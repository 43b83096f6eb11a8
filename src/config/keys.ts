import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { DEVICE_NAMESPACE } from "../core/channel.ts";
import { FIELDS, type Field } from "./fields.ts";
import { nearest } from "./nearest.ts";
import { DEFAULT_NAMESPACE, NAMED_SECTIONS, SECTIONS, shapeOfNamed } from "./schema.ts";

/** A key or a table by its place, e.g. `["channels", "device", "history_size"]`. */
export type KeyPath = readonly string[];

/** What people call a secret. */
const SECRET_WORDS = new Set(["key", "keys", "password", "secret", "token"]);
const BUILT_IN_NAMESPACES = [DEVICE_NAMESPACE, DEFAULT_NAMESPACE];
const SHAPES = new Map(Object.entries(SECTIONS).map(([name, section]) => [name, section.shape]));

/** Everything known of a key, or undefined when there is no such key. */
export function fieldAt(path: KeyPath): Field | undefined {
  const schema = new Map(Object.entries(shapeOf(path.slice(0, -1)))).get(path.at(-1) ?? "");
  return schema && FIELDS.get(schema);
}

/** Every key there is; of the tables that operators name only the built-in namespaces. */
export function knownKeys(): KeyPath[] {
  const sections = Object.keys(SECTIONS).map((name) => [name]);
  const namespaces = BUILT_IN_NAMESPACES.map((name) => ["channels", name]);
  return [...sections, ...namespaces].flatMap((table) =>
    Object.keys(shapeOf(table)).map((name) => [...table, name]),
  );
}

/** What may stand in a table: its keys, or for the root its sections. */
export function namesIn(table: KeyPath): string[] {
  if (table.length > 0) return Object.keys(shapeOf(table));
  return [...SHAPES.keys(), ...Object.keys(NAMED_SECTIONS)];
}

/** The key or section that an unknown one is most likely meant to be. */
export function nearestKey(path: KeyPath): KeyPath | undefined {
  const table = path.slice(0, -1);
  const name = path.at(-1) ?? "";
  const known = knownKeys();
  const here = likelySibling(table, name);
  if (here !== undefined) return [...table, here];
  const elsewhere = known.find((key) => key.at(-1) === name || key.join("_") === name);
  if (elsewhere !== undefined) return elsewhere;
  const siblings = namesIn(table);
  if (siblings.length > 0) {
    const sibling = nearest(name, siblings);
    return sibling === undefined ? undefined : [...table, sibling];
  }
  // The table is wrong too, so the whole is compared. Elsewhere the part that is right would hide how much is not.
  const text = nearest(formatKey(path), known.map(formatKey));
  return known.find((key) => formatKey(key) === text);
}

/** The key of the same table that is so near that the same name elsewhere is not what was meant. */
function likelySibling(table: KeyPath, name: string): string | undefined {
  const keys = namesIn(table).filter((key) => fieldAt([...table, key]) !== undefined);
  const slip = keys.find((key) => distance(key, name) <= 1);
  if (slip !== undefined) return slip;
  const longer = keys.filter((key) =>
    key.split("_").some((part) => /^(.+?)s?$/.exec(part)?.[1] === name),
  );
  if (longer.length === 1) return longer[0];
  if (!name.split("_").some((part) => SECRET_WORDS.has(part))) return undefined;
  return keys.find((key) => fieldAt([...table, key])?.isSecret);
}

/** A key as people write it in prose: `server.port`. */
export function formatKey(path: KeyPath): string {
  return path.map((part) => (/^[\w-]+$/.test(part) ? part : JSON.stringify(part))).join(".");
}

function shapeOf([section = "", name, ...deeper]: KeyPath): Readonly<Record<string, z.ZodType>> {
  if (deeper.length > 0) return {};
  const shape = name === undefined ? SHAPES.get(section) : shapeOfNamed(section, name);
  return shape ?? {};
}
