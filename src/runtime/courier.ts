import type { Clock } from "../core/ports/clock.ts";
import type { Courier, CourierAnswer } from "../core/ports/courier.ts";
import type { WebRequest } from "../core/ports/web-client.ts";

/** Carries requests with the runtime's own client, which keeps connections for the next one. */
export function createCourier(clock: Clock): Courier {
  return {
    async send(request) {
      const giveUp = new AbortController();
      const cancel = clock.after(request.timeoutMs, () => giveUp.abort());
      try {
        return await exchange(request, giveUp.signal);
      } catch (cause) {
        const why = giveUp.signal.aborted
          ? `did not answer within ${request.timeoutMs} ms`
          : `could not be reached${codeOf(cause)}`;
        return { ok: false, why, cause };
      } finally {
        cancel();
      }
    },
  };
}

async function exchange(request: WebRequest, signal: AbortSignal): Promise<CourierAnswer> {
  const { method, url, headers = {}, body, answerMaxBytes } = request;
  const response = await fetch(url, {
    method,
    headers,
    redirect: "manual",
    signal,
    ...(body !== undefined && { body }),
  });
  return {
    ok: true,
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    text: await readText(response, answerMaxBytes),
  };
}

/** Stops reading at `maxBytes`, and where the body breaks off. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let room = maxBytes;
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk.subarray(0, room), { stream: true });
      room -= chunk.byteLength;
      // Leaving the loop cancels the body.
      if (room < 0) break;
    }
  } catch {
    // The status has said what there is to say; what came of the body is still worth reading.
    return text;
  }
  return text + decoder.decode();
}

/** What the runtime calls the failure, such as ECONNREFUSED. Its message may hold the URL, so it stays behind. */
function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? ` (${code})` : "";
}
