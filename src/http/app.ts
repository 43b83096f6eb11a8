import { type Context, Hono } from "hono";
import type { DeviceEvents } from "../core/device-events.ts";
import type { Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { EventBodyLimits } from "../protocol/event-body.ts";
import type { App, Caller } from "./app-env.ts";
import { bindClientTransports, type TransportServices } from "./client-transports.ts";
import { bindConsole } from "./console.ts";
import { bindDeviceEvents } from "./device-events.ts";
import { bindHealth } from "./health.ts";
import { toProblem } from "./problem.ts";
import type { BodyLimits } from "./request-body.ts";
import type { ApiParts } from "./server-api/api-services.ts";
import { bindServerApi } from "./server-api.ts";

/** What the routes need. Each `bind…` function takes the part it uses. */
export interface AppServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly devices: Pick<Devices, "authenticate">;
  readonly deviceEvents: DeviceEvents;
  readonly serverApi: ApiParts;
  readonly transports: Pick<TransportServices, "gateway" | "gate" | "clientHeaders">;
  readonly limits: BodyLimits & EventBodyLimits & TransportServices["limits"];
  /** Rejects while the server cannot take posts. */
  readonly checkReady: () => Promise<void>;
}

/** Every plain HTTP route. Websocket paths are answered before a request comes here. */
export function createApp(services: AppServices): App {
  const app = new Hono<{ Bindings: Caller }>();
  bindHealth(app, services);
  bindDeviceEvents(app, services);
  bindClientTransports(app, { ...services.transports, ...services });
  bindServerApi(app, { ...services.serverApi, ...services });
  bindConsole(app);
  app.notFound((c: Context) => {
    const detail = `nothing answers ${c.req.method} ${JSON.stringify(c.req.path.slice(0, 200))}`;
    return toProblem(new Fault("path_unknown", { detail }), services.clock, services.log);
  });
  app.onError((error) => toProblem(error, services.clock, services.log));
  return app;
}
