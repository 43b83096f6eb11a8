import { Hono } from "hono";
import { createApiKeys, DEV_API_KEY } from "../../src/auth/api-keys.ts";
import { createPublisher } from "../../src/core/publisher.ts";
import type { Caller } from "../../src/http/app-env.ts";
import { toProblem } from "../../src/http/problem.ts";
import type { ApiParts } from "../../src/http/server-api/api-services.ts";
import { bindServerApi } from "../../src/http/server-api.ts";
import { type GatewayWorld, gatewayWorld } from "./gateway-world.ts";
import { openPaces } from "./open-paces.ts";

export const API_KEY = "backend-key-0123456789";

interface WorldOptions extends NonNullable<Parameters<typeof gatewayWorld>[0]> {
  readonly dev?: boolean;
}

/** What the server API acts upon, as the composition root would put it together. */
export function apiParts(it: GatewayWorld, dev = false): ApiParts {
  return {
    ...it,
    publisher: createPublisher(it),
    paces: openPaces(),
    apiKeys: createApiKeys(["another-key-0123456789", API_KEY]),
    ...(dev && { localKeys: createApiKeys([DEV_API_KEY]) }),
    node: { uid: "node-1", name: "here", version: "1.2.3", startedAtMs: it.clock.monotonicMs() },
  };
}

/** The server API over clients on fake sockets. */
export function serverApiWorld({ dev = false, ...options }: WorldOptions = {}) {
  const it = gatewayWorld(options);
  const parts = apiParts(it, dev);
  const app = new Hono<{ Bindings: Caller }>();
  const limits = { bodyMaxBytes: 2_000_000, bodyTimeoutMs: 1000 };
  bindServerApi(app, { clock: it.clock, log: it.log, ...parts, limits });
  app.onError((error) => toProblem(error, it.clock, it.log));

  /** Asks anything, by default with the right key and from elsewhere. */
  async function ask(path: string, init: RequestInit, remoteAddress = "192.0.2.7") {
    const headers = { "x-api-key": API_KEY, ...init.headers };
    const answer = await app.request(path, { method: "POST", ...init, headers }, { remoteAddress });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** What one call is answered, as text. */
  async function call(method: string, request: object | string): Promise<string> {
    const body = typeof request === "string" ? request : JSON.stringify(request);
    const { status, text } = await ask(`/api/${method}`, { body });
    if (status !== 200) throw new Error(`POST /api/${method} was answered ${status}: ${text}`);
    return text;
  }

  return { ...it, app, ask, call };
}
