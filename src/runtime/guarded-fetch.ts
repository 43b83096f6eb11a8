import type { ListenOptions, RequestInfo } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";

type Fetch = ListenOptions<Request, Response>["fetch"];

const INTERNAL_PROBLEM = JSON.stringify({
  type: "about:blank",
  title: "Cannot complete request",
  status: 500,
  code: "internal",
});

/** Makes `fetch` always answer: the error pages of the runtimes show sources and messages. */
export function guardedFetch(fetch: Fetch, log: Log) {
  return async (request: Request, info: RequestInfo): Promise<Response> => {
    try {
      return await fetch(request, info);
    } catch (error) {
      return answerBug(error, log);
    }
  };
}

/** Logs a bug and gives the answer that says nothing about it. */
export function answerBug(error: unknown, log: Log): Response {
  log.error("http.bug", { error });
  return new Response(INTERNAL_PROBLEM, {
    status: 500,
    headers: { "content-type": "application/problem+json" },
  });
}
