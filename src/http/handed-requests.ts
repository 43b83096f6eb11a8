import { Buffer } from "node:buffer";
import type { HandedRequest, HandedResponse } from "../control/hand-on.ts";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { RequestInfo } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import type { Entry } from "./entry.ts";
import { toProblem } from "./problem.ts";
import { requestUrl } from "./request-url.ts";

/** Where devices wait for commands. */
const HELD_POLL = /^\/v1\/devices\/[^/]+\/commands$/;

export interface HandingOnParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: (request: HandedRequest) => Promise<HandedResponse | undefined>;
}

/**
 * Answers what still comes to a server that has given its store away, on connections that were kept,
 * with what the other server says. Each of them then ends, so that its peer finds that server itself.
 */
export function createHandingOnEntry({ clock, log, ask }: HandingOnParts): Entry {
  return async (request, info) => {
    const response = await answer(request, info).catch((error) => toProblem(error, clock, log));
    response.headers.set("connection", "close");
    return response;
  };

  async function answer(request: Request, info: RequestInfo): Promise<Response> {
    const { method } = request;
    const handed = await ask({
      ...{ method, url: unheldUrl(request) },
      headers: [...request.headers],
      body: Buffer.from(await bodyOf(request)).toString("base64"),
      address: info.remoteAddress,
      isCertified: info.isCertified === true,
    });
    if (handed === undefined) throw gone();
    const { status, headers, body } = handed;
    const hasBody = status !== 204 && status !== 304;
    const bytes = hasBody ? Buffer.from(body, "base64") : null;
    return new Response(bytes, {
      status,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
    });
  }
}

/** A poll acknowledges what the one before brought, so it goes too; held there it could be cut off here. */
function unheldUrl(request: Request): string {
  const url = requestUrl(request);
  if (request.method !== "GET" || !HELD_POLL.test(url.pathname)) return request.url;
  url.searchParams.set("wait", "0");
  return url.href;
}

/** Answers, with `entry`, what another server hands on. What has no end in time is not answered. */
export async function answerHanded(handed: HandedRequest, entry: Entry) {
  const { method, url, headers, body, address, isCertified } = handed;
  const hasBody = method !== "GET" && method !== "HEAD";
  const request = new Request(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    ...(hasBody && { body: Buffer.from(body, "base64") }),
  });
  const response = await entry(request, {
    remoteAddress: address,
    isCertified,
    upgrade: () => false,
    holdOpen: () => () => undefined,
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return undefined;
  }
  const bytes = Buffer.from(await response.arrayBuffer());
  if (bytes.byteLength > TAKEOVER_LIMITS.handedOnMaxBytes) return undefined;
  const { status } = response;
  return { status, headers: [...response.headers], body: bytes.toString("base64") };
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > TAKEOVER_LIMITS.handedOnMaxBytes) throw gone();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function gone(): Fault {
  return new Fault("draining", { detail: "the server is being replaced, come again" });
}
