import { z } from "zod";
import type { Clock } from "../core/ports/clock.ts";
import type { LoginOutcome } from "../core/ports/login-provider.ts";
import type { WebClient } from "../core/ports/web-client.ts";

/** How one mini-program's users are told apart. */
export interface MiniProgramSettings {
  readonly appId: string;
  readonly secret: string;
  /** The base of the API; some platforms have another one for sandboxes. */
  readonly url?: string;
  /** `unionid` is the same in all apps of one account with the platform, `openid` in this one only. */
  readonly user: "openid" | "unionid";
}

/** What providers need of the world around them. */
export interface LoginSurroundings {
  readonly web: WebClient;
  readonly clock: Clock;
}

/** By what a platform calls a user. */
export const PlatformId = z.string().regex(/^[\w-]{1,128}$/);

/** Errors come with ids that are empty, or with none. */
export const OptionalPlatformId = z
  .union([PlatformId, z.literal("").transform(() => undefined)])
  .optional();

/** What an error is that is nobody's who logs in: `stop` says what an operator has to look into, if it is known. */
export function stoppedOrOdd(stop: string | undefined, why: string): LoginOutcome {
  if (stop === undefined) return { outcome: "odd", why };
  return { outcome: "stopped", why: `${stop}: it ${why}` };
}
