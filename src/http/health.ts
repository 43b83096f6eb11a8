import type { AppServices } from "./app.ts";
import type { App } from "./app-env.ts";

/** `/healthz`: the process runs. `/readyz`: it can take posts, so a balancer may send some. */
export function bindHealth(app: App, services: Pick<AppServices, "checkReady" | "clock">): void {
  app.get("/healthz", (c) => c.json({ status: "ok", server_time: services.clock.nowMs() }));
  app.get("/readyz", async (c) => {
    await services.checkReady();
    return c.json({ status: "ready", server_time: services.clock.nowMs() });
  });
}
