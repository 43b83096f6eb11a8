import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { difference, mergePatch } from "./merge-patch.ts";
import { depthOf, isObjectText, onOneLine } from "./raw-json.ts";

declare const brand: unique symbol;

/** The text of a merge patch for a state. Only {@link parseStatePatch} can make one. */
export type StatePatch = string & { readonly [brand]: "StatePatch" };

/** What the device says it is, and what the backend or a client wants it to be. */
export type StateSide = "reported" | "desired";

export interface StateDocument {
  /** JSON text of an object on one line, at most {@link LIMITS.stateMaxChars} long. */
  readonly text: string;
  /** 0 until the first change, then one more with each. */
  readonly version: number;
  /** Absent until the first change. */
  readonly updatedAtMs?: number;
}

/** A device's last known values. A device that never had any is in {@link emptyState}. */
export interface DeviceState {
  readonly device: DeviceId;
  readonly reported: StateDocument;
  readonly desired: StateDocument;
}

export interface StateChange {
  readonly side: StateSide;
  readonly patch: StatePatch;
  /** The version of that side which the sender knows. Absent: whatever it is. */
  readonly version?: number | undefined;
  readonly nowMs: number;
}

/** Why a patch was refused. Each is the code of a fault. */
export type StateRefusal = "state_conflict" | "state_too_large";

export type StateOutcome =
  /** To be stored and published. */
  | { readonly changed: DeviceState }
  /** The patch says what is so already: same text, same version. */
  | { readonly unchanged: DeviceState }
  | { readonly refused: StateRefusal; readonly detail: string };

/** The state of a device before anything was said about it. */
export function emptyState(device: DeviceId): DeviceState {
  return { device, reported: { text: "{}", version: 0 }, desired: { text: "{}", version: 0 } };
}

/** Turns text that `JSON.parse` has accepted into a {@link StatePatch}, or throws `state_invalid`. */
export function parseStatePatch(text: string): StatePatch {
  if (!isObjectText(text)) {
    throw new Fault("state_invalid", { detail: "the merge patch is not an object" });
  }
  const depth = depthOf(text);
  if (depth > LIMITS.stateDepthMax) {
    const detail = `it is nested ${depth} deep, at most ${LIMITS.stateDepthMax} is allowed`;
    throw new Fault("state_invalid", { detail });
  }
  return onOneLine(text) as StatePatch;
}

/**
 * Changes one side of a state. Pure: the store runs it inside the transaction that keeps the
 * outcome. A version that is not the current one is a conflict even where the patch changes nothing.
 */
export function patchState(state: DeviceState, change: StateChange): StateOutcome {
  const { side, patch, version, nowMs } = change;
  const current = state[side];
  if (version !== undefined && version !== current.version) {
    const detail = `got version ${version} of the ${side} state, which is at version ${current.version}`;
    return { refused: "state_conflict", detail };
  }
  const text = mergePatch(current.text, patch);
  if (text === current.text) return { unchanged: state };
  if (text.length > LIMITS.stateMaxChars) {
    const detail = `the ${side} state would have ${text.length} characters, at most ${LIMITS.stateMaxChars} are allowed`;
    return { refused: "state_too_large", detail };
  }
  const document: StateDocument = { text, version: current.version + 1, updatedAtMs: nowMs };
  return { changed: { ...state, [side]: document } };
}

/** The merge patch that the device still has to follow; undefined when it is as desired. */
export function stateDelta({ reported, desired }: DeviceState): string | undefined {
  return difference(reported.text, desired.text);
}
