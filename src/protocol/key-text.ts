import { z } from "zod";
import { LIMITS } from "../core/limits.ts";

/**
 * Text that can be stored and compared. A half of a surrogate pair is no character: two different
 * ids would be stored as the same one; and a NUL would cut text off in one of the runtimes.
 */
export const Printable = z
  .string()
  .regex(/^[^\p{Cc}]*$/u, "wanted no control characters")
  .refine((text) => text.isWellFormed(), "wanted whole characters");

/** What the outside names things by: ids of events, idempotency keys, epochs of versions. */
export const Key = Printable.max(LIMITS.eventIdMaxChars);
