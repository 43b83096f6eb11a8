import type { Language, Problem, ProblemCause } from "./posthorn.d.ts";
import { REMEDIES } from "./remedies.ts";

type Known = readonly [pattern: RegExp, cause: ProblemCause];

/** Said of sockets and of requests. */
const DOMAIN: Known = [/not in domain list|600002/i, "domain_not_listed"];

/**
 * Words of the platforms, as developers have reported them, and what they mean. The first that fits
 * counts. Numbers stand behind the words, as in `(errno 600002)`; those named `error` are Alipay's, where
 * 3 meant something else in older versions, so that words come first.
 */
const TEXTS: readonly Known[] = [
  DOMAIN,
  [/exceed max concurrent|最多发起|超过.*个|已(经)?存在|\(error 3\)/i, "too_many_sockets"],
  [/\(error [245]\)|\(error 20\)|600009|invalid url/i, "url_invalid"],
  [/interrupted|600003/i, "app_hidden"],
  [/code:21\b|required HTTP header/i, "headers_stripped"],
  [
    /code:20\b|invalid HTTP status|unexpected response|101 status|\(error 8\)/i,
    "handshake_refused",
  ],
  [/code:8\b|TLS|SSL|certificate|\(error 7\)/i, "tls_failed"],
  [/code:9\b|timer expired|time(d )?-?out|\(error 6\)/i, "timed_out"],
  [/code:2\b|underlying transport|refused|reset/i, "unreachable"],
  [/600000|600001|network/i, "network_unknown"],
];

/** Words that nobody knows: what was never open will hardly get there by itself. */
const UNKNOWN: Known = [/^/, "network_unknown"];

const CODES: Readonly<Record<number, ProblemCause>> = {
  103: "channel_denied",
  109: "token_expired",
  2000: "channel_denied",
  3005: "token_expired",
  3500: "token_invalid",
  3504: "connection_limit",
  4001: "ticket_refused",
  4002: "draining",
  4500: "replaced",
};

/** What a problem is told with beside its cause and its words. */
interface Telling {
  readonly lang: Language;
  /** Of the server, if it was the server that spoke. */
  readonly code?: number;
}

export function problemOf(cause: ProblemCause, text: string, { lang, code }: Telling): Problem {
  const problem = { cause, remedy: REMEDIES[lang][cause], text };
  return code === undefined ? problem : { ...problem, code };
}

/** What a platform said of a socket, and whether that one had ever been open. */
interface SocketWords {
  readonly text: string;
  readonly wasOpen: boolean;
}

/** Translates what a platform says about a socket. */
export function explainText({ text, wasOpen }: SocketWords, lang: Language): Problem {
  const [, cause] = TEXTS.find(([pattern]) => pattern.test(text)) ?? UNKNOWN;
  // What was open once got past all that can be wrong with the server, the address and the certificate.
  const isLost = wasOpen && cause !== "app_hidden";
  return problemOf(isLost ? "connection_lost" : cause, text, { lang });
}

/** Translates what getTicket failed with: the phone refuses its requests for one of the reasons of sockets. */
export function explainRejection(text: string, lang: Language): Problem {
  const [pattern, cause] = DOMAIN;
  return problemOf(pattern.test(text) ? cause : "ticket_failed", text, { lang });
}

/** Translates a code of the server: of an error, of a close or of the end of a subscription. */
export function explainCode(code: number, text: string, lang: Language): Problem {
  return problemOf(CODES[code] ?? "refused", text, { lang, code });
}
