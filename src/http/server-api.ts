import type { Context } from "hono";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { mapInTurns } from "../core/map-in-turns.ts";
import { parseObject } from "../protocol/server-api.ts";
import {
  type ApiOutcome,
  encodeApiError,
  encodeEnclosedReply,
  encodeOutcome,
  encodeReplies,
} from "../protocol/server-api-answer.ts";
import {
  decodeBatch,
  decodeLegacyCommands,
  type EnclosedCall,
} from "../protocol/server-api-envelope.ts";
import type { App, Caller } from "./app-env.ts";
import { toProblem } from "./problem.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import { statusOf, toApiError } from "./server-api/api-error.ts";
import type { ApiServices } from "./server-api/api-services.ts";
import { checkApiKey, credentialsOf } from "./server-api/authorize.ts";
import { performCall } from "./server-api/call.ts";
import { traceOf } from "./trace-headers.ts";

type Services = ApiServices & { readonly limits: BodyLimits };
type ApiContext = Context<{ Bindings: Caller }>;

/** `POST /api/{method}`: what the backend may do; and `POST /api`, the same as it was called before. */
export function bindServerApi(app: App, services: Services): void {
  app.all("/api/batch", (c) =>
    whenAsked(c, services, async (text, asked) => {
      const outcome = await performBatch(text, asked);
      return "error" in outcome ? answer(c, outcome) : json(outcome.result);
    }),
  );
  app.all("/api/:method", (c) =>
    whenAsked(c, services, async (text, asked) => {
      // What is no request at all is refused as HTTP does it.
      parseObject(text);
      return answer(c, await performCall(asked, c.req.param("method"), text));
    }),
  );
  app.all("/api", (c) =>
    whenAsked(c, services, async (text, asked) => {
      const commands = decodeLegacyCommands(text);
      const replies = await mapInTurns(commands, 1, (it) => replyTo(it, "result", asked));
      return json(replies.join("\n"));
    }),
  );
}

/** Hands over the body when the backend sent it, and in which trace. */
async function whenAsked(
  c: ApiContext,
  services: Services,
  respond: (text: string, asked: Services) => Promise<Response>,
): Promise<Response> {
  const { log, clock, limits } = services;
  if (c.req.method !== "POST") {
    const wrong = new Fault("http_method_wrong", { detail: `got ${c.req.method}, wanted POST` });
    const refusal = toProblem(wrong, clock, log);
    refusal.headers.set("allow", "POST");
    return refusal;
  }
  const { remoteAddress } = c.env;
  try {
    checkApiKey(credentialsOf(c), services);
  } catch (error) {
    if (error instanceof Fault) {
      log.info("api.refused", { code: error.code, address: remoteAddress });
    }
    throw error;
  }
  const asked = { ...services, trace: traceOf(c.req) };
  return respond(await readBodyText(c.req.raw, limits, clock), asked);
}

async function performBatch(text: string, services: Services): Promise<ApiOutcome> {
  parseObject(text);
  try {
    const { commands, parallel } = decodeBatch(text);
    const runningMax = parallel ? LIMITS.apiCommandsAtATime : 1;
    const replies = await mapInTurns(commands, runningMax, (it) =>
      replyTo(it, it.method, services),
    );
    return { result: encodeReplies(replies) };
  } catch (error) {
    return { error: toApiError(error, "batch", services.log) };
  }
}

async function replyTo(
  { id, method, request }: EnclosedCall,
  resultName: string,
  services: Services,
): Promise<string> {
  return encodeEnclosedReply(id, resultName, await performCall(services, method, request));
}

/** An error has status 200, unless the backend wants its statuses to say it. */
function answer(c: ApiContext, outcome: ApiOutcome): Response {
  const wantsStatus = c.req.header("x-centrifugo-error-mode")?.toLowerCase() === "transport";
  if (!wantsStatus || !("error" in outcome)) return json(encodeOutcome(outcome));
  return json(encodeApiError(outcome.error), statusOf(outcome.error));
}

function json(text: string, status = 200): Response {
  return new Response(text, { status, headers: { "content-type": "application/json" } });
}
