import { type KeyPath, knownKeys } from "./keys.ts";

const PREFIX = "POSTHORN_";
const SEPARATOR = "__";

/** The variable that sets a key: `POSTHORN_SERVER__PORT`, `POSTHORN_WEBHOOKS__SHOP_A__URL`. */
export function envNameOf(path: KeyPath): string {
  return `${PREFIX}${path.map(envPartOf).join(SEPARATOR).toUpperCase()}`;
}

/** A part of a place as variables write it: shells take neither a dash nor a dot in their names. */
export function envPartOf(part: string): string {
  return part.toLowerCase().replace(/[-.]/g, "_");
}

/**
 * The place a variable's name speaks of, or undefined when it is no setting. Names without the
 * separator belong to others (`POSTHORN_VERSION` in a deployment script), unless they are an
 * obvious slip: `POSTHORN_SERVER_PORT`, `POSTHORN_PORT`.
 */
export function keyOfEnvName(name: string): KeyPath | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const rest = name.slice(PREFIX.length).toLowerCase();
  const [section = "", ...others] = rest.split(SEPARATOR);
  const key = others.pop();
  if (key === undefined) return isSlip(rest) ? [rest] : undefined;
  // A namespace may itself hold the separator.
  return others.length === 0 ? [section, key] : [section, others.join(SEPARATOR), key];
}

function isSlip(rest: string): boolean {
  return knownKeys().some((path) => rest === path.join("_") || rest === path.at(-1));
}
