import type { Next } from "hono";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { RouteContext } from "./backend-auth.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { exposeTo, preflight } from "./cors.ts";
import { toProblem } from "./problem.ts";

/** By which methods a route is asked. */
export type Methods = readonly ("GET" | "POST")[];

/** What letting pages in needs. */
export interface PageServices {
  readonly gate: Pick<ConnectionGate, "checkOrigin">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps foreign pages out, answers preflights and refuses other methods, on behalf of a route. */
export function forPages(methods: Methods, { gate, clock, log }: PageServices) {
  return async (c: RouteContext, next: Next): Promise<Response | undefined> => {
    const { raw } = c.req;
    gate.checkOrigin(raw, c.env.remoteAddress);
    const origin = c.req.header("origin");
    if (raw.method === "OPTIONS") return exposed(preflight(raw, methods), origin);
    // Hono routes HEAD as GET and drops the body: its client would be held for nobody.
    if (methods.some((method) => method === raw.method)) {
      await next();
      exposeTo(origin, c.res.headers);
      return undefined;
    }
    const detail = `got ${raw.method}, wanted ${methods.join(" or ")}`;
    const refusal = toProblem(new Fault("http_method_wrong", { detail }), clock, log);
    refusal.headers.set("allow", [...methods, "OPTIONS"].join(", "));
    return exposed(refusal, origin);
  };
}

function exposed(response: Response, origin: string | undefined): Response {
  exposeTo(origin, response.headers);
  return response;
}
