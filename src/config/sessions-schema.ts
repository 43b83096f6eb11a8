import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { duration, optionalSecret, unmet } from "./fields.ts";
import { SECRET_MIN_CHARS } from "./tokens-schema.ts";

const HOUR_MS = 60 * 60 * 1000;

const fields = {
  secret: sessionSecret(
    "The secret that signs sessions; a change of it ends them all, unless the one before stands below. Better set as POSTHORN_SESSIONS__SECRET. Without it one is made of tokens.secret, and without that a new one at every start.",
  ),
  previous_secret: sessionSecret(
    "The secret before the current one: sessions signed with it are still accepted, new ones are not signed with it. Set it while you change secrets, and take it away when ttl has passed. Where tokens.secret was in use until now, put that here.",
  ),
  ttl: duration({
    min: HOUR_MS,
    max: 90 * 24 * HOUR_MS,
    fallback: LIMITS.sessionTtlMs,
    description:
      "How long a mini-program gets tickets without another login of the platform. Connections end with it.",
  }),
} as const;

/** How long who logged in need not do so again, and the rule between these keys. */
export const Sessions = z.strictObject(fields).superRefine((sessions, { addIssue }) => {
  const { secret, previous_secret } = sessions;
  if (previous_secret !== undefined && secret === undefined) {
    addIssue(unmet("secret", "the current secret beside sessions.previous_secret"));
  }
});

function sessionSecret(description: string) {
  return optionalSecret({
    wanted: `a text of at least ${SECRET_MIN_CHARS} characters, such as the output of: openssl rand -base64 48`,
    description,
    isRight: (secret) => secret.length >= SECRET_MIN_CHARS,
  });
}
