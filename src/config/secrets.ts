import { fieldAt, formatKey, type KeyPath } from "./keys.ts";
import type { FileConfig } from "./schema.ts";
import { isTable } from "./toml-file.ts";

/** A secret of the configuration, under the key by which the operator knows it. */
export interface NamedSecret {
  readonly key: string;
  readonly value: string;
}

/** Every secret that a configuration has: the values of all keys whose schema says that they are one. */
export function secretsIn(values: FileConfig): NamedSecret[] {
  return secretsUnder([], values);
}

function secretsUnder(path: KeyPath, value: unknown): NamedSecret[] {
  const key = formatKey(path);
  if (fieldAt(path)?.isSecret === true) {
    if (!Array.isArray(value)) return typeof value === "string" ? [{ key, value }] : [];
    return value.map((item, place) => ({ key: `${key}[${place}]`, value: String(item) }));
  }
  if (!isTable(value)) return [];
  return Object.entries(value).flatMap(([name, it]) => secretsUnder([...path, name], it));
}
