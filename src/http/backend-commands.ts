import { type CommandRecord, isFinal, parseCommandId } from "../core/command.ts";
import { encodeCommand } from "../core/command-text.ts";
import type { Commands } from "../core/commands.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodeSentCommand } from "../protocol/command-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { deviceOf, type RouteContext, requireApiKey } from "./backend-auth.ts";
import { queryNumber } from "./query-number.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";
import { traceOf } from "./trace-headers.ts";

/** What the backend needs to send commands and to see what becomes of them. */
export interface BackendCommandServices extends ApiAccess {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

const SENDER = { kind: "backend" } as const;
const PAGE = { least: 1, most: LIMITS.commandsPerPage, fallback: LIMITS.commandsPerPage };

/** What the backend does with commands: it sends them, perhaps waits for their ends, looks and cancels. */
export function bindBackendCommands(app: App, services: BackendCommandServices): void {
  const { commands, clock, limits } = services;
  app.post("/v1/devices/:id/commands", async (c) => {
    requireApiKey(c, services);
    const device = deviceOf(c);
    const { waitMs, ...sent } = decodeSentCommand(await readBodyText(c.req.raw, limits, clock));
    const request = { ...sent, device, sender: SENDER, trace: traceOf(c.req) };
    const command = await commands.send(request, waitMs, c.req.raw.signal);
    return answer(command, clock, isFinal(command.status) ? 200 : 202);
  });
  app.get("/v1/devices/:id/commands/:command", async (c) => {
    requireApiKey(c, services);
    return answer(await commands.find(deviceOf(c), commandOf(c)), clock);
  });
  app.delete("/v1/devices/:id/commands/:command", async (c) => {
    requireApiKey(c, services);
    return answer(await commands.cancel(deviceOf(c), commandOf(c)), clock);
  });
}

/** The backend's `GET /v1/devices/{id}/commands`: newest first, `next` goes on with `before`. */
export async function answerList(
  c: RouteContext,
  services: BackendCommandServices,
): Promise<Response> {
  requireApiKey(c, services, ["limit", "before"]);
  const before = c.req.query("before");
  const { commands, next } = await services.commands.list({
    device: deviceOf(c),
    limit: queryNumber(c, "limit", PAGE),
    ...(before && { before: parseCommandId(before) }),
  });
  const rest = next === undefined ? "" : `,"next":"${next}"`;
  const { clock } = services;
  return jsonAnswer(`{"commands":[${commands.map(encodeCommand).join()}]${rest}}`, { clock });
}

function answer(command: CommandRecord, clock: Clock, status = 200): Response {
  return jsonAnswer(encodeCommand(command), { clock, status });
}

function commandOf({ req }: RouteContext) {
  return parseCommandId(req.param("command") ?? "");
}
