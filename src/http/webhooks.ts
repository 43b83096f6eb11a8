import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Live } from "../core/live.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { DeadLetter, Outbox } from "../core/ports/outbox.ts";
import { decodeReplay, type ReplayRequest } from "../protocol/webhook-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { type RouteContext, requireApiKey } from "./backend-auth.ts";
import { decodeDeadLetterCursor, encodeDeadLetterCursor } from "./dead-letter-cursor.ts";
import { queryNumber } from "./query-number.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";

/** One webhook as the configuration tells of it. */
export interface WebhookDescription {
  readonly name: string;
  readonly url: string;
  /** Patterns of event types. */
  readonly events: readonly string[];
}

/** What delivers; a webhook that answered 410 is disabled. */
export interface WebhookSwitch {
  /** Completes the sentence "it …"; undefined while it is not disabled. */
  whyDisabled(endpoint: string): string | undefined;
  enable(endpoint: string): void;
}

/** What an operator needs to see and mend what webhooks were not told. */
export interface WebhookServices extends ApiAccess {
  readonly endpoints: Live<readonly WebhookDescription[]>;
  readonly outbox: Pick<Outbox, "deadLetters" | "replay" | "outboxCounts">;
  readonly dispatcher: WebhookSwitch;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: BodyLimits;
}

const PAGE = { least: 1, most: LIMITS.deadLettersPerPage, fallback: 20 };

/** The webhooks, what could not be delivered to them, and its second chance. */
export function bindWebhooks(app: App, services: WebhookServices): void {
  const { clock, limits } = services;
  app.get("/v1/webhooks", async (c) => {
    requireApiKey(c, services);
    const webhooks = await Promise.all(
      services.endpoints.current.map((it) => summaryOf(it, services)),
    );
    return jsonAnswer(JSON.stringify({ webhooks }), { clock });
  });
  app.get("/v1/webhooks/dead", async (c) => {
    requireApiKey(c, services, ["endpoint", "after", "limit"]);
    return jsonAnswer(await listDead(c, services), { clock });
  });
  app.post("/v1/webhooks/dead/replay", async (c) => {
    requireApiKey(c, services);
    const { endpoint, id } = replayIn(await readBodyText(c.req.raw, limits, clock), services);
    checkKnown(endpoint, services);
    const answer =
      id === undefined
        ? await replayAll(endpoint, services)
        : await replayOne({ endpoint, id }, services);
    // Whoever wants something delivered wants the webhook to be asked again.
    services.dispatcher.enable(endpoint);
    services.log.info("webhook.replayed", { endpoint, ...answer });
    return jsonAnswer(JSON.stringify({ endpoint, ...answer }), { clock });
  });
}

async function summaryOf(
  { name, url, events }: WebhookDescription,
  { outbox, dispatcher }: WebhookServices,
) {
  // Its user, its password and its query may be secrets.
  const { origin, pathname } = new URL(url);
  const why = dispatcher.whyDisabled(name);
  const { waiting, dead } = await outbox.outboxCounts(name);
  return { name, url: origin + pathname, events, disabled: why !== undefined, why, waiting, dead };
}

async function listDead(c: RouteContext, services: WebhookServices): Promise<string> {
  const endpoint = c.req.query("endpoint");
  const after = c.req.query("after");
  if (endpoint) checkKnown(endpoint, services);
  const limit = queryNumber(c, "limit", PAGE);
  const letters = await services.outbox.deadLetters({
    limit,
    ...(endpoint && { endpoint }),
    ...(after && { after: decodeDeadLetterCursor(after) }),
  });
  const last = letters.length === limit ? letters.at(-1) : undefined;
  const next = last === undefined ? "" : `,"next":"${encodeDeadLetterCursor(last)}"`;
  return `{"dead":[${letters.map(encodeDeadLetter).join()}]${next}}`;
}

/** The body is what was posted, byte for byte. */
function encodeDeadLetter(letter: DeadLetter): string {
  const { endpoint, id, type, orderKey, createdAtMs, diedAtMs, failures, why, body } = letter;
  const members = {
    endpoint,
    id,
    type,
    device: orderKey,
    created_at: createdAtMs,
    died_at: diedAtMs,
    attempts: failures,
    why,
  };
  return `${JSON.stringify(members).slice(0, -1)},"body":${body}}`;
}

/** What came of a replay: how many it were, and whether there are more. */
interface ReplayAnswer {
  readonly replayed: number;
  readonly more: boolean;
}

async function replayOne(
  ref: Pick<DeadLetter, "endpoint" | "id">,
  { outbox }: WebhookServices,
): Promise<ReplayAnswer> {
  const outcome = await outbox.replay(ref);
  if (outcome === "full") throw noRoom(ref.endpoint);
  if (outcome === "replayed") return { replayed: 1, more: false };
  const detail = `${JSON.stringify(ref.endpoint)} has none with this id`;
  throw new Fault("dead_letter_unknown", { detail });
}

async function replayAll(endpoint: string, { outbox }: WebhookServices): Promise<ReplayAnswer> {
  const max = LIMITS.deadLettersPerPage;
  const letters = await outbox.deadLetters({ endpoint, limit: max });
  // Asked for at once, they share a transaction.
  const outcomes = await Promise.all(letters.map((letter) => outbox.replay(letter)));
  const replayed = outcomes.filter((it) => it === "replayed").length;
  if (replayed === 0 && outcomes.includes("full")) throw noRoom(endpoint);
  const { dead } = await outbox.outboxCounts(endpoint);
  return { replayed, more: dead > 0 };
}

function noRoom(endpoint: string): Fault {
  const detail = `as many events as may wait for ${JSON.stringify(endpoint)} do so already`;
  return new Fault("outbox_full", { detail });
}

/** Nobody would deliver what is for a webhook that is not configured any more. */
function checkKnown(endpoint: string, { endpoints }: WebhookServices): void {
  if (endpoints.current.some(({ name }) => name === endpoint)) return;
  const found = JSON.stringify(endpoint.slice(0, 80));
  const detail = `${found} is not in the configuration, which has ${namesOf(endpoints.current)}`;
  throw new Fault("webhook_unknown", { detail });
}

/** What is to be replayed. Who does not know what to say for `endpoint` is told. */
function replayIn(text: string, { endpoints }: WebhookServices): ReplayRequest {
  try {
    return decodeReplay(text);
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "replay_invalid") throw cause;
    const detail = `${cause.detail}; the configuration has ${namesOf(endpoints.current)}`;
    throw new Fault(cause.code, { detail, cause });
  }
}

function namesOf(endpoints: readonly WebhookDescription[]): string {
  if (endpoints.length === 0) return "no webhook";
  return `the webhooks ${endpoints.map(({ name }) => JSON.stringify(name)).join(", ")}`;
}
