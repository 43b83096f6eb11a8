import { sessionSecrets } from "../auth/session-secrets.ts";
import { createSessionTokens } from "../auth/session-tokens.ts";
import { createTickets } from "../auth/tickets.ts";
import type { Config } from "../config/config.ts";
import { createLogins } from "../core/logins.ts";
import type { LoginServices } from "../http/logins.ts";
import { createLoginProvider } from "../login/providers.ts";
import { createWebClient } from "../runtime/web-client.ts";
import type { Surroundings } from "./surroundings.ts";

/** How users come to their tickets, by the backend or by themselves. */
export type SignIn = Pick<LoginServices, "tickets" | "publicUrl" | "logins" | "sessions">;

export function createSignIn(config: Config, around: Surroundings): SignIn {
  const { clock } = around;
  const { publicUrl } = config.server;
  const web = createWebClient(clock);
  const logins = [...config.logins].map(([name, login]) => {
    return [
      name,
      { provider: createLoginProvider(login, { web, clock }), prefix: login.prefix },
    ] as const;
  });
  return {
    tickets: createTickets(around),
    logins: createLogins({ logins: new Map(logins), clock }),
    sessions: createSessionTokens({
      secrets: secretsOf(config, around),
      appIds: new Map([...config.logins].map(([name, { appId }]) => [name, appId])),
      ttlMs: config.sessions.ttlMs,
      clock,
    }),
    ...(publicUrl !== undefined && { publicUrl }),
  };
}

/** Nobody who offers no login has to hear that there is no secret for it. */
function secretsOf({ sessions, tokens, logins }: Config, around: Surroundings): readonly string[] {
  return logins.size === 0 ? [] : sessionSecrets({ ...sessions, tokens }, around);
}
