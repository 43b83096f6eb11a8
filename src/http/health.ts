import type { AppServices } from "./app.ts";
import type { App } from "./app-env.ts";

/** `/healthz`: the process runs. `/readyz`: it can take posts, so a balancer may send some. */
export function bindHealth(
  app: App,
  services: Pick<AppServices, "awaitsCertificate" | "checkReady" | "clock">,
): void {
  const { clock, awaitsCertificate } = services;
  app.get("/healthz", (c) => {
    // No reason to be called unready: a balancer must pass on what the authority asks for.
    const certificate = awaitsCertificate() ? { certificate: "awaited" } : {};
    return c.json({ status: "ok", ...certificate, server_time: clock.nowMs() });
  });
  app.get("/readyz", async (c) => {
    await services.checkReady();
    return c.json({ status: "ready", server_time: services.clock.nowMs() });
  });
}
