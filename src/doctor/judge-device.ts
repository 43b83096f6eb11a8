import { type Finding, finding } from "./finding.ts";
import type { Answer } from "./http-exchange.ts";
import { whoseDefault } from "./judge-sockets.ts";
import type { DeviceSeen } from "./observe-device.ts";
import { type Asked, excerptOf, membersOf } from "./observe-front.ts";

/** Says whether a device can post and wait for commands. */
export function judgeDevice({ post, poll }: DeviceSeen, pollSeconds: number): Finding[] {
  return [judgePost(post), judgePoll(poll, pollSeconds)];
}

/** Says whether the backend gets through. */
export function judgeBackend(asked: Asked): Finding {
  if ("trouble" in asked) return finding("api_refused", troubleValues(asked.trouble));
  const { answer } = asked;
  const result = membersOf(answer)?.["result"];
  if (answer.status === 200 && result !== undefined) {
    return finding("api_answered", { ms: Math.round(asked.tookMs) });
  }
  return finding("api_refused", refusalValues(answer));
}

function judgePost(asked: Asked): Finding {
  if ("trouble" in asked) return finding("event_refused", troubleValues(asked.trouble));
  const { answer, tookMs } = asked;
  const results = membersOf(answer)?.["results"];
  const first: unknown = Array.isArray(results) ? results[0] : undefined;
  const offset = typeof first === "object" && first !== null && "offset" in first && first.offset;
  if (answer.status !== 200 || typeof offset !== "number") {
    return finding("event_refused", refusalValues(answer));
  }
  return finding("event_stored", { offset, ms: Math.round(tookMs) });
}

function judgePoll(asked: Asked, pollSeconds: number): Finding {
  const seconds = Math.round(asked.tookMs / 100) / 10;
  const whose = { word: whoseDefault(seconds, 0) };
  if ("trouble" in asked) {
    return finding("poll_cut", { seconds, wanted: pollSeconds, status: "-", whose });
  }
  const { answer } = asked;
  if (answer.status === 204) return finding("poll_held", { seconds });
  if (answer.status === 200 && membersOf(answer)?.["server_time"] !== undefined) {
    return finding("poll_brought", { seconds });
  }
  // What a gateway says that did not wait as long as it was asked to.
  if (membersOf(answer)?.["code"] === undefined) {
    return finding("poll_cut", { seconds, wanted: pollSeconds, status: answer.status, whose });
  }
  return finding("poll_refused", refusalValues(answer));
}

function troubleValues(trouble: string) {
  return { status: "-", code: "-", detail: { word: trouble } };
}

function refusalValues(answer: Answer) {
  const { code, detail, title, error } = membersOf(answer) ?? {};
  return {
    status: answer.status,
    code: code === undefined ? "-" : String(code),
    detail: String(detail ?? title ?? (error && JSON.stringify(error)) ?? excerptOf(answer)),
  };
}
