import type { Entropy } from "../core/ports/entropy.ts";
import type { Log } from "../core/ports/log.ts";

/** What the configuration says of the secrets that sessions can be made with. */
export interface SessionSecretSettings {
  /** For sessions alone. */
  readonly secret?: string;
  readonly previousSecret?: string;
  readonly tokens: { readonly secret?: string; readonly previousSecret?: string };
}

interface Surroundings {
  readonly entropy: Entropy;
  readonly log: Log;
}

const CHANCE_BYTES = 32;

/** The secrets of sessions, the one to use first. Without any in the configuration they end with the process. */
export function sessionSecrets(
  settings: SessionSecretSettings,
  { entropy, log }: Surroundings,
): string[] {
  for (const { secret, previousSecret } of [settings, settings.tokens]) {
    if (secret === undefined) continue;
    return [secret, ...(previousSecret === undefined ? [] : [previousSecret])];
  }
  log.warn("sessions.unkept", {
    why: "neither sessions.secret nor tokens.secret is set, so every restart ends all sessions",
    remedy: "set sessions.secret to the output of: openssl rand -base64 48",
  });
  return [entropy.token(CHANCE_BYTES)];
}
