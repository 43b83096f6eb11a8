import { z } from "zod";
import { decodeBase64Json } from "../core/base64-json.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import { type CommandGrants, checkCommandPattern } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import type { TokenSub } from "../core/ports/tokens.ts";
import { onOneLine } from "../core/raw-json.ts";
import { parseOverride } from "../core/subscription-override.ts";

/** The last second that a `Date` can tell. */
const TIME_MAX_S = 8.64e12;

const Seconds = z.number().min(0).max(TIME_MAX_S);
const Base64Json = z.base64().transform(parsedBy(decodeBase64Json));

/** The claims that tell when what a token started ends. */
export const END_FIELDS = {
  exp: Seconds.optional(),
  /** The end of the connection or subscription, apart from that of the token; 0 is never. */
  expire_at: Seconds.optional(),
};

/** The claims about a user; plain ones are taken from the text. */
export const INFO_FIELDS = { b64info: Base64Json.optional() };

/** The claim that tells which commands may be sent to which device. */
export const COMMAND_FIELDS = {
  commands: z
    .record(
      z.string(),
      z
        .array(z.string().min(1).transform(parsedBy(checkCommandPattern)))
        .max(LIMITS.commandPatternsMax),
    )
    .transform(parsedBy(byDevice))
    .optional(),
};

/** The claims about one subscription; plain ones are taken from the text. */
export const SUB_FIELDS = {
  ...INFO_FIELDS,
  b64data: Base64Json.optional(),
  override: z.unknown().transform(parsedBy(overrideOf)).optional(),
};

/** The text of each claim by its name. */
export type RawClaims = ReadonlyMap<string, string>;

type EndFields = z.infer<z.ZodObject<typeof END_FIELDS>>;
type SubFields = z.infer<z.ZodObject<typeof SUB_FIELDS>>;

/** When what the token started ends. Fractions are rounded up: it must not be over before the token. */
export function endOf({ exp, expire_at }: EndFields): { readonly expiresAtMs?: number } {
  const endS = expire_at === 0 ? undefined : (expire_at ?? exp);
  return endS === undefined ? {} : { expiresAtMs: Math.ceil(endS) * 1000 };
}

/** What a token says of one subscription; `raw` holds the text of each claim. */
export function toTokenSub({ b64info, b64data, override }: SubFields, raw: RawClaims): TokenSub {
  return {
    ...jsonOf("info", raw, b64info),
    ...jsonOf("data", raw, b64data),
    ...(override && { override }),
  };
}

/** The JSON text of a claim as it was written, unless its twin in base64 says otherwise. */
export function jsonOf<Name extends string>(
  name: Name,
  raw: RawClaims,
  fromBase64?: string,
): { readonly [Key in Name]?: string };
export function jsonOf(name: string, raw: RawClaims, fromBase64?: string) {
  const text = fromBase64 ?? raw.get(name) ?? "null";
  return text === "null" ? {} : { [name]: onOneLine(text) };
}

/** Makes a Zod transform of a parser that throws; the reason stays behind, since it may quote the token. */
export function parsedBy<In, Out>(parse: (value: In) => Out) {
  return (value: In, context: z.RefinementCtx): Out => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof Fault || error instanceof SyntaxError)) throw error;
      context.addIssue({ code: "custom" });
      return z.NEVER;
    }
  };
}

function byDevice(commands: Readonly<Record<string, readonly string[]>>): CommandGrants {
  return new Map(
    Object.entries(commands).map(([id, patterns]): [DeviceId, readonly string[]] => [
      parseDeviceId(id),
      [...new Set(patterns)],
    ]),
  );
}

function overrideOf(value: unknown) {
  const override = value == null ? {} : parseOverride(value);
  return Object.keys(override).length === 0 ? undefined : override;
}
