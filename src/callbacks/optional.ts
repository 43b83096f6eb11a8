import type { z } from "zod";

/** A member that may be left out; many backends write such a one as null. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}
