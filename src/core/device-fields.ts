import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { depthOf, isObjectText, onOneLine } from "./raw-json.ts";

/** The name as it may be kept, or throws `device_name_malformed`. */
export function checkName(name: string): string {
  // Control characters could forge a line of a list or of a log.
  const isPlain = !/\p{Cc}/u.test(name) && name.isWellFormed();
  if (name.length <= LIMITS.deviceNameMaxChars && isPlain) return name;
  const detail = `got ${JSON.stringify(name.slice(0, 80))}, wanted at most ${LIMITS.deviceNameMaxChars} characters on one line`;
  throw new Fault("device_name_malformed", { detail });
}

/**
 * Meta, or a merge patch for it, as it may be kept. Takes text that `JSON.parse` has accepted;
 * throws `device_meta_invalid` or `device_meta_too_large`.
 */
export function checkMeta(text: string): string {
  if (!isObjectText(text)) {
    throw new Fault("device_meta_invalid", { detail: "it is not a JSON object" });
  }
  const meta = onOneLine(text);
  if (meta.length > LIMITS.deviceMetaMaxChars) {
    const detail = `it has ${meta.length} characters, at most ${LIMITS.deviceMetaMaxChars} are allowed`;
    throw new Fault("device_meta_too_large", { detail });
  }
  const depth = depthOf(meta);
  if (depth <= LIMITS.stateDepthMax) return meta;
  const detail = `it is nested ${depth} deep, at most ${LIMITS.stateDepthMax} is allowed`;
  throw new Fault("device_meta_invalid", { detail });
}

/** There is no such device. */
export function unknownDevice(id: DeviceId): Fault {
  return new Fault("device_unknown", { detail: `there is no device ${JSON.stringify(id)}` });
}
