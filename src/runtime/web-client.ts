import type { Clock } from "../core/ports/clock.ts";
import type { WebAnswer, WebClient, WebRequest } from "../core/ports/web-client.ts";

/** Asks other servers with the runtime's own client, which keeps connections for the next request. */
export function createWebClient(clock: Clock): WebClient {
  return {
    async send(request) {
      const giveUp = new AbortController();
      const cancel = clock.after(request.timeoutMs, () => giveUp.abort());
      try {
        return await exchange(request, giveUp.signal);
      } catch (cause) {
        const why = giveUp.signal.aborted
          ? `did not answer within ${request.timeoutMs} ms`
          : `gave no answer that can be read${codeOf(cause)}`;
        return { ok: false, why, cause };
      } finally {
        cancel();
      }
    },
  };
}

async function exchange(request: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  const { method, url, headers = {}, body, answerMaxBytes } = request;
  const response = await fetch(url, {
    method,
    headers,
    redirect: "manual",
    signal,
    ...(body !== undefined && { body }),
  });
  const { status } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return { ok: false, why: `answered with status ${status}, and redirects are not followed` };
  }
  const text = await readText(response, answerMaxBytes);
  if (text !== undefined) return { ok: true, status, text };
  return { ok: false, why: `answered with more than ${answerMaxBytes} bytes` };
}

/** Undefined when there is more than `maxBytes`; the rest is not read then. Throws when it is not UTF-8. */
async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** What the runtime calls the failure, such as ECONNREFUSED. Its message may hold the URL, so it stays behind. */
function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? ` (${code})` : "";
}
