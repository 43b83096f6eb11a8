import { parseCommandId } from "../core/command.ts";
import type { CommandReceiving, Fetched } from "../core/command-receiving.ts";
import { encodeDelivery } from "../core/command-text.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import { encodeOffer } from "../core/state-offers.ts";
import { decodeCommandResult } from "../protocol/command-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import { admittedDevice, authenticatedDevice, type DeviceAuthServices } from "./device-auth.ts";
import { queryNumber } from "./query-number.ts";
import { refuseHead } from "./refuse-head.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";

/** What a device needs to get its commands and to answer them. */
export interface DeviceCommandServices extends DeviceAuthServices {
  readonly receiving: CommandReceiving;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly limits: BodyLimits & { readonly drainSpreadMs: number };
}

const WAIT_SECONDS = { least: 0, most: LIMITS.heldMaxSeconds, fallback: 25 };
const COMMANDS = { least: 1, most: LIMITS.commandsPerFetch, fallback: 10 };

/** Kept anywhere on the way, an answer would be given to a later poll, which leased nothing. */
const NOT_KEPT = { "cache-control": "no-store" } as const;

const POLL_QUERY = ["wait", "max", "cursor"];

/** A UUID, as `Entropy` makes them for receivers. One that is not known may be of a lease that is over. */
const CURSOR_PATTERN = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a device does with its commands beside polling: it acknowledges them and tells their results. */
export function bindDeviceCommands(app: App, services: DeviceCommandServices): void {
  const { receiving, clock, limits } = services;
  app.post("/v1/devices/:id/commands/:command/ack", async (c) => {
    const device = await authenticatedDevice(c, services);
    const { id, status } = await receiving.ack(device, commandOf(c));
    return jsonAnswer(JSON.stringify({ id, status }), { clock });
  });
  app.post("/v1/devices/:id/commands/:command/result", async (c) => {
    const device = await authenticatedDevice(c, services);
    const result = decodeCommandResult(await readBodyText(c.req.raw, limits, clock));
    const { id, status } = await receiving.settle(device, commandOf(c), result);
    return jsonAnswer(JSON.stringify({ id, status }), { clock });
  });
}

/**
 * A device's `GET /v1/devices/{id}/commands`. The runtime's own timeout, which is that of a connection
 * without requests, is far longer than a poll; `holdOpen` would shorten it for the next request.
 */
export async function answerPoll(
  c: RouteContext,
  services: DeviceCommandServices,
): Promise<Response> {
  refuseHead(c);
  const waitMs = 1000 * queryNumber(c, "wait", WAIT_SECONDS);
  const max = queryNumber(c, "max", COMMANDS);
  const cursor = cursorIn(c);
  const admission = await admittedDevice(c, services, { holds: waitMs > 0, query: POLL_QUERY });
  const { receiving } = services;
  if (cursor !== undefined) await receiving.ackLease(admission.id, cursor);
  const fetched = await receiving.fetch(admission, { waitMs, max, signal: c.req.raw.signal });
  return pollAnswer(fetched, services);
}

function pollAnswer(
  { commands, cursor, state, isReleased }: Fetched,
  { clock, entropy, limits }: DeviceCommandServices,
): Response {
  if (commands.length === 0 && state === undefined) {
    const spreadSeconds = (entropy.fraction() * limits.drainSpreadMs) / 1000;
    const headers = {
      ...NOT_KEPT,
      "server-time": String(clock.nowMs()),
      ...(isReleased && { "retry-after": String(1 + Math.floor(spreadSeconds)) }),
    };
    return new Response(null, { status: 204, headers });
  }
  const deliveries = commands.map(encodeDelivery).join();
  const offer = state === undefined ? "" : `,"state":${encodeOffer(state)}`;
  return jsonAnswer(`{"commands":[${deliveries}],"cursor":"${cursor}"${offer}}`, {
    clock,
    headers: NOT_KEPT,
  });
}

function cursorIn({ req }: RouteContext): string | undefined {
  const text = req.query("cursor");
  if (text === undefined || text === "") return undefined;
  if (CURSOR_PATTERN.test(text)) return text;
  const found = JSON.stringify(text.slice(0, 40));
  throw new Fault("query_invalid", { detail: `cursor is ${found}, wanted that of an answer` });
}

function commandOf({ req }: RouteContext) {
  return parseCommandId(req.param("command") ?? "");
}
