import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { depthOf, isObjectText, type RawMember, rawEntries } from "./raw-json.ts";
import { isSameJson } from "./same-json.ts";

/**
 * Applies a JSON merge patch (RFC 7396) to text, both accepted by `JSON.parse`. Numbers keep their
 * text, members that the patch does not name every byte; members keep their order, new ones come last.
 *
 * Throws `state_invalid` for what is nested deeper than {@link LIMITS.stateDepthMax}.
 */
export function mergePatch(target: string, patch: string): string {
  checkDepth(patch);
  return merged(target, patch);
}

/**
 * The merge patch that brings `reported` to what `desired` says, as far as `desired` says something;
 * undefined when nothing is left to do. What says the same in another spelling is no difference.
 *
 * Throws like {@link mergePatch}.
 */
export function difference(reported: string, desired: string): string | undefined {
  checkDepth(reported);
  checkDepth(desired);
  return differing(reported, desired);
}

function merged(target: string, patch: string): string {
  if (!isObjectText(patch)) return patch.trim();
  const members = membersOf(target);
  for (const [key, { keyText, text }] of rawEntries(patch)) {
    if (text === "null") {
      members.delete(key);
      continue;
    }
    const known = members.get(key);
    members.set(key, {
      keyText: known?.keyText ?? keyText,
      text: merged(known?.text ?? "null", text),
    });
  }
  return objectText(members);
}

function differing(reported: string, desired: string): string | undefined {
  if (!isObjectText(desired)) return isSameJson(reported, desired) ? undefined : desired.trim();
  const known = membersOf(reported);
  const differences = new Map<string, RawMember>();
  for (const [key, { keyText, text }] of rawEntries(desired)) {
    const difference = differingMember(known.get(key)?.text, text);
    if (difference !== undefined) differences.set(key, { keyText, text: difference });
  }
  if (differences.size > 0) return objectText(differences);
  return isObjectText(reported) ? undefined : "{}";
}

function differingMember(reported: string | undefined, desired: string): string | undefined {
  if (reported !== undefined) return differing(reported, desired);
  // In a patch null means away with it, and it is away.
  return desired === "null" ? undefined : desired;
}

function membersOf(text: string): Map<string, RawMember> {
  return isObjectText(text) ? rawEntries(text) : new Map();
}

function objectText(members: ReadonlyMap<string, RawMember>): string {
  return `{${[...members.values()].map(({ keyText, text }) => `${keyText}:${text}`).join(",")}}`;
}

function checkDepth(text: string): void {
  const depth = depthOf(text);
  if (depth <= LIMITS.stateDepthMax) return;
  const detail = `it is nested ${depth} deep, at most ${LIMITS.stateDepthMax} is allowed`;
  throw new Fault("state_invalid", { detail });
}
