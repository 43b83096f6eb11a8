import type { Clock } from "../core/ports/clock.ts";
import type { WebAnswer, WebClient } from "../core/ports/web-client.ts";
import { exchange, readBody } from "./exchange.ts";

/** Asks other servers over HTTP: an answer is one that arrived whole. */
export function createWebClient(clock: Clock): WebClient {
  return {
    send: (request) =>
      exchange(clock, request, {
        failed: "gave no answer that can be read",
        read: (response) => readWhole(response, request.answerMaxBytes),
      }),
  };
}

async function readWhole(response: Response, maxBytes: number): Promise<WebAnswer> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return { ok: false, why: `answered with status ${status}, and redirects are not followed` };
  }
  const { bytes, end } = await readBody(response, maxBytes);
  if (end.is === "broken") throw end.cause;
  if (end.is === "cut") return { ok: false, why: `answered with more than ${maxBytes} bytes` };
  return { ok: true, status, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
}
