import { demoPage } from "../console/demo-page.ts";
import type { Devices } from "../core/devices.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { pageAnswer } from "./page-answer.ts";

/** What the demo needs. */
export interface DemoServices {
  readonly devices: Pick<Devices, "list">;
  readonly clock: Clock;
}

/**
 * `/demo` and the list of devices that it starts from. In development only: whoever asks is told of
 * every device, which in earnest is the backend's to tell.
 */
export function bindDemo(app: App, { devices, clock }: DemoServices): void {
  app.get("/demo", (c) => pageAnswer(c, demoPage));
  app.get("/demo/devices", async () => {
    const found = await devices.list({ limit: LIMITS.devicesPerPage });
    const entries = found.map(({ id, name, online }) => ({ id, name, online }));
    return jsonAnswer(JSON.stringify({ devices: entries }), { clock });
  });
}
