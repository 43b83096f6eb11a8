import { parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { DevicePage } from "../core/ports/device-records.ts";

const LIMIT_DEFAULT = 100;

/** What {@link devicePageOf} looks at. */
export const DEVICE_PAGE_QUERY = ["after", "limit", "search", "online"];

/** Which devices `?after&limit&search&online` asks for, or throws `query_invalid` or `device_malformed`. */
export function devicePageOf(query: (name: string) => string | undefined): DevicePage {
  const after = query("after");
  const search = query("search");
  const online = query("online");
  return {
    limit: limitIn(query("limit")),
    ...(after && { after: parseDeviceId(after) }),
    ...(search && { search: checkSearch(search) }),
    ...(online && { online: isTrue(online) }),
  };
}

function limitIn(text: string | undefined): number {
  if (!text) return LIMIT_DEFAULT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMITS.devicesPerPage) return limit;
  throw unusable("limit", text, `a whole number from 1 to ${LIMITS.devicesPerPage}`);
}

function checkSearch(text: string): string {
  const isPlain = !/\p{Cc}/u.test(text) && text.isWellFormed();
  if (text.length <= LIMITS.deviceSearchMaxChars && isPlain) return text;
  throw unusable("search", text, `at most ${LIMITS.deviceSearchMaxChars} characters on one line`);
}

function isTrue(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw unusable("online", text, "true or false");
}

function unusable(name: string, text: string, wanted: string): Fault {
  const detail = `${name} is ${JSON.stringify(text.slice(0, 40))}, wanted ${wanted}`;
  return new Fault("query_invalid", { detail });
}
