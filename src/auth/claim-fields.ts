import { Buffer } from "node:buffer";
import { z } from "zod";
import { Fault } from "../core/faults.ts";
import type { TokenSub } from "../core/ports/tokens.ts";
import { parseOverride } from "../core/subscription-override.ts";

/** The last second that a `Date` can tell. */
const TIME_MAX_S = 8.64e12;

const Seconds = z.number().min(0).max(TIME_MAX_S);
const Base64Json = z.base64().transform(parsedBy(textOfBase64Json));

/** Any JSON, as text. */
export const Json = z
  .unknown()
  .transform((value) => (value == null ? undefined : JSON.stringify(value)));

/** The claims that tell when what a token started ends. */
export const END_FIELDS = {
  exp: Seconds.optional(),
  /** The end of the connection or subscription, apart from that of the token; 0 is never. */
  expire_at: Seconds.optional(),
};

/** The claims about a user. */
export const INFO_FIELDS = { info: Json.optional(), b64info: Base64Json.optional() };

/** The claims about one subscription. */
export const SUB_FIELDS = {
  ...INFO_FIELDS,
  data: Json.optional(),
  b64data: Base64Json.optional(),
  override: z.unknown().transform(parsedBy(overrideOf)).optional(),
};

type EndFields = z.infer<z.ZodObject<typeof END_FIELDS>>;
type SubFields = z.infer<z.ZodObject<typeof SUB_FIELDS>>;

/** When what the token started ends. Fractions are rounded up: it must not be over before the token. */
export function endOf({ exp, expire_at }: EndFields): { readonly expiresAtMs?: number } {
  const endS = expire_at === 0 ? undefined : (expire_at ?? exp);
  return endS === undefined ? {} : { expiresAtMs: Math.ceil(endS) * 1000 };
}

/** What a token says of one subscription. */
export function toTokenSub(fields: SubFields): TokenSub {
  const { override } = fields;
  return {
    ...jsonOf("info", fields),
    ...jsonOf("data", fields),
    ...(override && { override }),
  };
}

/** The JSON text of a claim that comes plain or in base64. */
export function jsonOf<Name extends string>(
  name: Name,
  claims: Readonly<Partial<Record<Name | `b64${Name}`, string | undefined>>>,
) {
  const text = claims[`b64${name}`] ?? claims[name];
  return text === undefined ? undefined : { [name]: text };
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

function overrideOf(value: unknown) {
  const override = value == null ? {} : parseOverride(value);
  return Object.keys(override).length === 0 ? undefined : override;
}

function textOfBase64Json(base64: string): string {
  const text = Buffer.from(base64, "base64").toString();
  JSON.parse(text);
  // Raw line breaks can only be white space in JSON, and frames are split at them.
  return text.replace(/[\r\n]+/g, "");
}
