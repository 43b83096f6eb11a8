import { type Finding, finding, findingIf } from "./finding.ts";
import type { Answer } from "./http-exchange.ts";
import { type Asked, excerptOf, type FrontSeen, membersOf } from "./observe-front.ts";

/** Headers by which whatever stands in front names itself. */
const NAMING_HEADERS = [
  "server",
  "via",
  "cf-ray",
  "x-served-by",
  "x-cache",
  "x-powered-by",
  "x-amz-cf-id",
  "eagleid",
  "x-tengine-error",
];
const NAME_MAX_CHARS = 60;
const SKEW_MAX_MS = 5_000;

/** Says who answers, whether it is Posthorn, and whether the clocks agree. */
export function judgeFront({ unknown, ready }: FrontSeen): Finding[] {
  if ("trouble" in unknown) return [troubleFinding(unknown.trouble)];
  const { answer } = unknown;
  if (!isPosthorn(answer)) return [foreign(answer), ...judgeNames(answer)];
  return [
    finding("posthorn_found", { ms: Math.round(unknown.tookMs) }),
    ...judgeNames(answer),
    ...judgeReadiness(ready),
    ...judgeClock(unknown),
  ];
}

/** What is behind an answer of ours: problem details with a code and our clock. */
export function isPosthorn(answer: Answer): boolean {
  const members = membersOf(answer);
  return typeof members?.["server_time"] === "number";
}

function troubleFinding(trouble: string): Finding {
  if (trouble === "http2") return finding("http2_only");
  return finding("http_missing", { reason: { word: trouble } });
}

function foreign(answer: Answer): Finding {
  return finding("posthorn_missing", { status: answer.status, page: excerptOf(answer) });
}

function judgeNames({ headers }: Answer): Finding[] {
  const names = NAMING_HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === undefined ? [] : [`${name}: ${value.slice(0, NAME_MAX_CHARS)}`];
  });
  return [
    names.length === 0
      ? finding("front_none")
      : finding("front_named", { names: names.join(", ") }),
  ];
}

function judgeReadiness(ready: Asked): Finding[] {
  if ("trouble" in ready) return [finding("http_missing", { reason: { word: ready.trouble } })];
  const { answer } = ready;
  const code = String(membersOf(answer)?.["code"] ?? excerptOf(answer));
  return findingIf(answer.status !== 200, "posthorn_unready", { status: answer.status, code });
}

function judgeClock(asked: Extract<Asked, { readonly answer: Answer }>): Finding[] {
  const serverMs = Number(membersOf(asked.answer)?.["server_time"]);
  const skewMs = serverMs - (asked.sentMs + asked.tookMs / 2);
  const seconds = Math.round(skewMs / 100) / 10;
  const isRight = Math.abs(skewMs) <= SKEW_MAX_MS;
  return [finding(isRight ? "clock_right" : "clock_skewed", { seconds })];
}

/** Says what plain HTTP does beside a server that speaks TLS. */
export function judgePlain(plain: Asked): Finding {
  if ("trouble" in plain) return finding("plain_closed");
  const { status, headers } = plain.answer;
  const location = headers.get("location") ?? "";
  const isRedirect = status >= 300 && status < 400 && /^https:/i.test(location);
  if (isRedirect) return finding("plain_redirects", { status });
  return finding("plain_open", { status });
}
