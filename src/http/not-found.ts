import type { Context } from "hono";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { App } from "./app-env.ts";
import { toProblem } from "./problem.ts";

interface Services {
  readonly clock: Clock;
  readonly log: Log;
}

/** What no route takes: under /v1 a path that others ask by another method is told from one that is not there. */
export function answerNotFound({ req }: Context, app: App, { clock, log }: Services): Response {
  const { method, path } = req;
  const shown = JSON.stringify(path.slice(0, 200));
  const allowed = path.startsWith("/v1/") ? methodsFor(path, app) : [];
  if (allowed.length === 0) {
    const detail = `nothing answers ${method} ${shown}`;
    return toProblem(new Fault("path_unknown", { detail }), clock, log);
  }
  const allow = allowed.join(", ");
  const detail = `got ${method} for ${shown}, wanted ${allow}`;
  const refusal = toProblem(new Fault("http_method_wrong", { detail }), clock, log);
  refusal.headers.set("allow", allow);
  return refusal;
}

/** Without what stands before routes, for all methods. */
function methodsFor(path: string, { routes }: App): readonly string[] {
  const found = routes.filter((it) => it.method !== "ALL" && fits(path, it.path));
  return [...new Set(found.map(({ method }) => method))];
}

function fits(path: string, route: string): boolean {
  const [parts, wanted] = [path.split("/"), route.split("/")];
  if (parts.length !== wanted.length) return false;
  return wanted.every((it, place) => {
    const part = parts[place] ?? "";
    return it.startsWith(":") ? part !== "" : it === part;
  });
}
