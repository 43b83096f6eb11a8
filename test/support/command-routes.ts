import { Hono } from "hono";
import { createApiKeys } from "../../src/auth/api-keys.ts";
import { Fault } from "../../src/core/faults.ts";
import type { SocketHandler } from "../../src/core/ports/host.ts";
import type { App, Caller } from "../../src/http/app-env.ts";
import { bindCommands } from "../../src/http/commands.ts";
import { toProblem } from "../../src/http/problem.ts";
import { OpenConnections } from "../../src/ws/open-connections.ts";
import { commandsWorld } from "./commands-world.ts";
import { openPaces } from "./open-paces.ts";

export const SECRET = { authorization: "Bearer secret-of-kiosk" };
export const API_KEY = { "x-api-key": "the-key-of-the-backend" };

/** The routes of commands, asked without a network. */
export function commandRoutes({ upgrades = true } = {}) {
  const world = commandsWorld();
  const { clock, log, presence } = world;
  const connections = new OpenConnections();
  const seen: string[] = [];
  const handlers: SocketHandler[] = [];
  const app: App = new Hono<{ Bindings: Caller }>();
  bindCommands(app, {
    ...world,
    apiKeys: createApiKeys([API_KEY["x-api-key"]]),
    paces: openPaces(),
    connections,
    nativePing: true,
    limits: { bodyMaxBytes: 200_000, bodyTimeoutMs: 1_000, drainSpreadMs: 10_000 },
    sightings: { saw: (id) => void seen.push(id) },
    presence,
    devices: {
      async authenticate(id, secret) {
        if (secret !== `secret-of-${id}`) throw new Fault("secret_wrong");
        return { ...world.admit(id), device: {} } as never;
      },
    },
  });
  app.onError((error) => toProblem(error, clock, log));
  let closings = 0;
  const caller: Caller = {
    remoteAddress: "192.0.2.7",
    holdOpen: () => () => {
      closings += 1;
    },
    upgrade(handler) {
      if (upgrades) handlers.push(handler);
      return upgrades;
    },
  };
  const ask = async (path: string, init: RequestInit = {}) =>
    app.fetch(new Request(`http://posthorn.test/v1/devices/${path}`, init), caller);
  return { ...world, app, ask, connections, seen, handlers, closings: () => closings };
}

/** The status and what the body says, where there is one. */
export async function read(answer: Response | Promise<Response>) {
  const { status, headers, text } = await Promise.resolve(answer).then(async (it) => ({
    status: it.status,
    headers: it.headers,
    text: await it.text(),
  }));
  return { status, headers, text, body: text === "" ? undefined : JSON.parse(text) };
}
