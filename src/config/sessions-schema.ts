import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { duration, optionalSecret } from "./fields.ts";
import { SECRET_MIN_CHARS } from "./tokens-schema.ts";

const HOUR_MS = 60 * 60 * 1000;

/** How long who logged in need not do so again. */
export const Sessions = z.strictObject({
  secret: optionalSecret({
    wanted: `a text of at least ${SECRET_MIN_CHARS} characters, such as the output of: openssl rand -base64 48`,
    description:
      "The secret that signs sessions; a change of it ends them all. Better set as POSTHORN_SESSIONS__SECRET. Without it one is made of tokens.secret, and without that a new one at every start.",
    isRight: (secret) => secret.length >= SECRET_MIN_CHARS,
  }),
  ttl: duration({
    min: HOUR_MS,
    max: 90 * 24 * HOUR_MS,
    fallback: LIMITS.sessionTtlMs,
    description:
      "How long a mini-program gets tickets without another login of the platform. Connections end with it.",
  }),
});
