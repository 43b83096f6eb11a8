import type { Config } from "../config/config.ts";
import { nearest } from "../config/nearest.ts";
import { parseGlob } from "../core/glob.ts";
import { OWN_EVENT_TYPES } from "../core/own-event.ts";
import type { Finding } from "./checks.ts";
import { API_KEY_REMEDY } from "./remedies.ts";

/** Types that begin like this are Posthorn's own; a device cannot post others. */
const OWN_PREFIX = /^(?:device|command)\./;

/** What the backend may do. */
export async function probeApi({ api }: Config): Promise<Finding[]> {
  const count = api.keys.length;
  if (count === 0) {
    const found = "api.keys is not set: nobody gets tickets, binds terminals or may use /api";
    return [{ status: "warn", found, remedy: API_KEY_REMEDY }];
  }
  return [{ status: "ok", found: `api.keys has ${count} ${count === 1 ? "key" : "keys"}` }];
}

/** Whose users log in here. The platforms are not asked. */
export async function probeLogins({ logins }: Config): Promise<Finding[]> {
  if (logins.size === 0) {
    return [{ status: "ok", found: "none configured: their backend gets tickets for them" }];
  }
  return [...logins].map(([name, { provider, appId }]) => ({
    status: "ok",
    found: `logins.${name}: ${provider}, app ${appId}`,
  }));
}

/** Whether each webhook can be told of anything. */
export async function probeWebhooks({ webhooks }: Config): Promise<Finding[]> {
  if (webhooks.length === 0) {
    return [{ status: "ok", found: "none configured: nobody is told of events" }];
  }
  return webhooks.flatMap(({ name, events }): Finding[] => {
    const key = `webhooks.${name}`;
    if (events.length === 0) {
      const found = `${key}: events is empty, so nothing is posted there`;
      return [{ status: "warn", found, remedy: `Name types in ${key}.events, or remove ${key}` }];
    }
    const dead = events.filter(matchesNothing);
    if (dead.length === 0) return [{ status: "ok", found: `${key}: ${events.join(", ")}` }];
    return dead.map((pattern) => deadPattern(key, pattern));
  });
}

function matchesNothing(pattern: string): boolean {
  return OWN_PREFIX.test(pattern) && !OWN_EVENT_TYPES.some(parseGlob(pattern));
}

function deadPattern(key: string, pattern: string): Finding {
  const near = nearest(pattern, OWN_EVENT_TYPES);
  const remedy =
    near === undefined
      ? `Take it out of ${key}.events; there are: ${OWN_EVENT_TYPES.join(", ")}`
      : `Did you mean "${near}"? Correct ${key}.events`;
  return { status: "warn", found: `${key}: no event is of a type like "${pattern}"`, remedy };
}
