import { Fault } from "../core/faults.ts";
import type { RouteContext } from "./backend-auth.ts";

/** Hono routes HEAD as GET and drops the body: what it leased or held would be for nobody. */
export function refuseHead({ req }: RouteContext): void {
  if (req.raw.method === "HEAD") {
    throw new Fault("http_method_wrong", { detail: "got HEAD, wanted GET" });
  }
}
