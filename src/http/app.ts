import { type Context, Hono } from "hono";
import type { DeviceId } from "../core/device-id.ts";
import type { App, Caller } from "./app-env.ts";
import { type BackendDeviceServices, bindBackendDevices } from "./backend-devices.ts";
import { type BindingServices, bindBindings } from "./bindings.ts";
import type { CallerPaces } from "./caller-paces.ts";
import { bindClientTransports, type TransportServices } from "./client-transports.ts";
import { bindCommands, type CommandRouteServices } from "./commands.ts";
import { bindConsole } from "./console.ts";
import { bindDemo } from "./demo.ts";
import { bindDeviceEvents, type DeviceEventsServices } from "./device-events.ts";
import { bindDevicePush, type DevicePushServices } from "./device-push.ts";
import { bindDeviceState, type DeviceStateServices } from "./device-state.ts";
import { bindEnroll, type EnrollServices } from "./enroll.ts";
import { bindHealth } from "./health.ts";
import { bindLogins, type LoginServices } from "./logins.ts";
import { bindMetrics, type MetricsServices } from "./metrics.ts";
import { answerNotFound } from "./not-found.ts";
import { bindOpenApi, type OpenApiServices } from "./openapi.ts";
import { toProblem } from "./problem.ts";
import { bindSdk } from "./sdk.ts";
import type { ApiAccess, ApiParts } from "./server-api/api-services.ts";
import { bindServerApi } from "./server-api.ts";
import { bindTickets, type TicketServices } from "./tickets.ts";
import { bindWebhooks, type WebhookServices } from "./webhooks.ts";

interface OtherServices {
  /** Everyone may do everything. */
  readonly dev: boolean;
  readonly paces: CallerPaces;
  readonly serverApi: Omit<ApiParts, keyof ApiAccess>;
  readonly webhooks: Pick<WebhookServices, "endpoints" | "outbox" | "dispatcher">;
  readonly transports: Pick<TransportServices, "gateway" | "gate" | "clientHeaders">;
  readonly limits: TransportServices["limits"];
  /** Whether no client can come in by TLS, because no authority has given a certificate yet. */
  readonly awaitsCertificate: () => boolean;
  /** Rejects while the server cannot take posts. */
  readonly checkReady: () => Promise<void>;
}

/** What the routes need. Each `bind…` function takes the part it uses. */
export type AppServices = DeviceEventsServices &
  DeviceStateServices &
  DevicePushServices &
  EnrollServices &
  Omit<BackendDeviceServices, "deviceRemoved"> &
  BindingServices &
  Omit<LoginServices, "gate"> &
  TicketServices &
  CommandRouteServices &
  OpenApiServices &
  MetricsServices &
  OtherServices;

/** Every plain HTTP route. Websocket paths are answered before a request comes here. */
export function createApp(services: AppServices): App {
  const app = new Hono<{ Bindings: Caller }>();
  const deviceRemoved = (device: DeviceId) => services.bindings.deviceRemoved(device);
  bindHealth(app, services);
  bindMetrics(app, services);
  bindOpenApi(app, services);
  bindDeviceEvents(app, services);
  bindDeviceState(app, services);
  bindDevicePush(app, services);
  bindEnroll(app, services);
  bindCommands(app, services);
  bindBackendDevices(app, { ...services, deviceRemoved });
  bindBindings(app, services);
  bindTickets(app, services);
  bindLogins(app, { ...services, ...services.transports });
  bindWebhooks(app, { ...services, ...services.webhooks });
  bindClientTransports(app, { ...services.transports, ...services });
  bindServerApi(app, { ...services, ...services.serverApi });
  bindConsole(app);
  if (services.dev) bindDemo(app, services);
  bindSdk(app);
  app.notFound((c: Context) => answerNotFound(c, app, services));
  app.onError((error) => toProblem(error, services.clock, services.log));
  return app;
}
