import type { Clock } from "../core/ports/clock.ts";

interface AnswerOptions {
  readonly clock: Clock;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers the text of a JSON object that has members, and what time it is here: terminals may not know. */
export function jsonAnswer(
  text: string,
  { clock, status = 200, headers }: AnswerOptions,
): Response {
  const timed = `${text.slice(0, -1)},"server_time":${clock.nowMs()}}`;
  return new Response(timed, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Answers that it is done and that there is nothing to say, but what time it is here. */
export function doneAnswer(clock: Clock): Response {
  return new Response(null, { status: 204, headers: { "server-time": String(clock.nowMs()) } });
}
