import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Entry } from "./entry.ts";
import { toProblem } from "./problem.ts";
import { requestUrl } from "./request-url.ts";

export interface DevicesEntryOptions {
  /** The server's own. */
  readonly entry: Entry;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers at the port where devices show certificates: what is not for devices is not there. */
export function createDevicesEntry({ entry, clock, log }: DevicesEntryOptions): Entry {
  return async (request, info) => {
    try {
      const { pathname } = requestUrl(request);
      if (isForDevices(pathname)) return await entry(request, info);
      const shown = JSON.stringify(pathname.slice(0, 200));
      throw new Fault("path_unknown", { detail: `nothing for devices is at ${shown}` });
    } catch (error) {
      return toProblem(error, clock, log);
    }
  };
}

function isForDevices(path: string): boolean {
  return path.startsWith("/v1/devices/") || path === "/v1/enroll" || path === "/healthz";
}
