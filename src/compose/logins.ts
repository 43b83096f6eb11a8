import { sessionSecrets } from "../auth/session-secrets.ts";
import { createSessionTokens } from "../auth/session-tokens.ts";
import { createTickets } from "../auth/tickets.ts";
import type { Config } from "../config/config.ts";
import { type Live, livePart } from "../core/live.ts";
import { createLogins, type Login } from "../core/logins.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Sessions } from "../core/ports/sessions.ts";
import type { WebClient } from "../core/ports/web-client.ts";
import type { LoginServices } from "../http/logins.ts";
import { createLoginProvider } from "../login/providers.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";

/** How users come to their tickets, by the backend or by themselves. */
export type SignIn = Pick<LoginServices, "tickets" | "publicUrl" | "logins" | "sessions">;

export function createSignIn(live: Live<LiveParts>, around: Surroundings): SignIn {
  const logins = {
    get: (name: string) => live.current.logins.get(name),
    has: (name: string) => live.current.logins.has(name),
  };
  return {
    tickets: createTickets(around),
    logins: createLogins({ ...around, logins }),
    sessions: {
      issue: (user, login) => live.current.sessions.sessions.issue(user, login),
      verify: (text) => live.current.sessions.sessions.verify(text),
    },
    publicUrl: livePart(live, ({ config }) => config.server.publicUrl),
  };
}

/** The logins of a configuration, by their names. */
export function loginsOf(
  config: Config,
  around: { readonly web: WebClient; readonly clock: Clock },
): ReadonlyMap<string, Login> {
  const logins = [...config.logins].map(([name, login]) => {
    return [name, { provider: createLoginProvider(login, around), prefix: login.prefix }] as const;
  });
  return new Map(logins);
}

/** What sessions are made and checked with. */
export interface SessionParts {
  readonly sessions: Sessions;
  readonly secrets: readonly string[];
  readonly isByChance: boolean;
}

/** A secret made by chance stays the same as long as the process: another one would end all sessions. */
export function sessionPartsOf(
  config: Config,
  around: Pick<Surroundings, "clock" | "entropy" | "log">,
  before: SessionParts | undefined,
): SessionParts {
  const { size } = config.logins;
  const isByChance = size > 0 && (config.sessions.secret ?? config.tokens.secret) === undefined;
  const secrets = isByChance && before?.isByChance ? before.secrets : secretsOf(config, around);
  const { clock } = around;
  const { ttlMs } = config.sessions;
  const appIds = new Map([...config.logins].map(([name, { appId }]) => [name, appId]));
  const sessions = createSessionTokens({ secrets, appIds, ttlMs, clock });
  return { sessions, secrets, isByChance };
}

/** Nobody who offers no login has to hear that there is no secret for it. */
function secretsOf(
  { sessions, tokens, logins }: Config,
  around: Pick<Surroundings, "entropy" | "log">,
): readonly string[] {
  return logins.size === 0 ? [] : sessionSecrets({ ...sessions, tokens }, around);
}
