import type { App } from "./app-env.ts";
import { orBackend, seemsBackend } from "./backend-auth.ts";
import {
  answerList,
  type BackendCommandServices,
  bindBackendCommands,
} from "./backend-commands.ts";
import { answerPoll, bindDeviceCommands, type DeviceCommandServices } from "./device-commands.ts";
import { bindDeviceStream, type DeviceStreamServices } from "./device-stream.ts";

/** What all the routes of commands need. */
export type CommandRouteServices = BackendCommandServices &
  DeviceCommandServices &
  DeviceStreamServices;

/** Commands over HTTP, for those who send them and for the devices that obey. */
export function bindCommands(app: App, services: CommandRouteServices): void {
  app.get("/v1/devices/:id/commands", (c) =>
    seemsBackend(c, services) ? answerList(c, services) : orBackend(answerPoll(c, services)),
  );
  // First: "stream" could be the id of a command.
  bindDeviceStream(app, services);
  bindDeviceCommands(app, services);
  bindBackendCommands(app, services);
}
