import { type DeviceBindings, parseOwner } from "../core/bindings.ts";
import type { Devices } from "../core/devices.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodeBinding } from "../protocol/binding-body.ts";
import { doneAnswer, jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { deviceOf, type RouteContext, requireApiKey } from "./backend-auth.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";

/** What the backend acts upon when it says who owns which device. */
export interface BindingServices extends ApiAccess {
  readonly bindings: DeviceBindings;
  readonly devices: Pick<Devices, "find">;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/** Who owns which devices: what the backend says here, live clients feel at once. */
export function bindBindings(app: App, services: BindingServices): void {
  const { bindings, devices, clock, limits } = services;
  app.put("/v1/users/:user/devices/:id", async (c) => {
    requireApiKey(c, services);
    const [user, device] = [ownerOf(c), deviceOf(c)];
    const commands = decodeBinding(await readBodyText(c.req.raw, limits, clock));
    await bindings.bind(user, device, commands);
    return jsonAnswer(JSON.stringify({ user, device, commands }), { clock });
  });
  app.delete("/v1/users/:user/devices/:id", async (c) => {
    requireApiKey(c, services);
    await bindings.unbind(ownerOf(c), deviceOf(c));
    return doneAnswer(clock);
  });
  app.get("/v1/users/:user/devices", async (c) => {
    requireApiKey(c, services);
    const found = await bindings.ofUser(ownerOf(c));
    const devices = found.map(({ device, commands }) => ({ id: device, commands }));
    return jsonAnswer(JSON.stringify({ devices }), { clock });
  });
  app.get("/v1/devices/:id/users", async (c) => {
    requireApiKey(c, services);
    const { id } = await devices.find(deviceOf(c));
    const found = await bindings.ofDevice(id);
    const users = found.map(({ user, commands }) => ({ user, commands }));
    return jsonAnswer(JSON.stringify({ users }), { clock });
  });
}

function ownerOf({ req }: RouteContext): string {
  return parseOwner(req.param("user") ?? "");
}
