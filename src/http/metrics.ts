import { Fault } from "../core/faults.ts";
import type { Live } from "../core/live.ts";
import type { ApiKeys } from "../core/ports/api-keys.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import { bearerOf } from "./bearer.ts";
import type { CallerPaces } from "./caller-paces.ts";
import { credentialsOf, isLocal } from "./server-api/authorize.ts";

/** Who may read the figures. */
export interface MetricsAccess {
  readonly keys: ApiKeys;
  /** Whether there is a key at all. */
  readonly hasKeys: boolean;
  /** Whoever sits at the machine itself needs none. */
  readonly local: boolean;
  /** Nobody needs one. */
  readonly public: boolean;
}

/** What showing the figures needs. */
export interface MetricsServices {
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly metricsAccess: Live<MetricsAccess>;
  readonly paces: Pick<CallerPaces, "checkFailures" | "checkGuess" | "keyWasRight">;
}

/** `/metrics`: how the server is, in the text format of Prometheus. */
export function bindMetrics(app: App, services: MetricsServices): void {
  const { metrics } = services;
  app.get("/metrics", async (c) => {
    checkAccess(c, services);
    const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
    return c.body(await metrics.text(), 200, headers);
  });
}

function checkAccess(c: RouteContext, { metricsAccess, paces }: MetricsServices): void {
  const { req, env } = c;
  const access = metricsAccess.current;
  if (access.public) return;
  const bearer = bearerOf(req.header("authorization"));
  if (bearer !== undefined) {
    paces.checkGuess(env.remoteAddress, bearer);
    if (access.keys.matches(bearer)) {
      paces.keyWasRight(env.remoteAddress, bearer);
      return;
    }
  }
  if (access.local && isLocal(credentialsOf(c))) return;
  paces.checkFailures(env.remoteAddress);
  if (access.hasKeys) {
    const found = bearer === undefined ? "got no key" : "got a key that is none of metrics.keys";
    const detail = `${found}, wanted the header Authorization: Bearer <key>`;
    throw new Fault("metrics_key_wrong", { detail });
  }
  const detail =
    "only this machine itself may, without a proxy between and from an address that server.trusted_proxies does not list; metrics.keys or metrics.public would let others";
  throw new Fault("metrics_denied", { detail });
}
