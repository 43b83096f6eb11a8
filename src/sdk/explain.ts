import type { Problem, ProblemCause } from "./posthorn.d.ts";

type Known = readonly [pattern: RegExp, cause: ProblemCause];

/** Words of the platforms, as developers have reported them, and what they mean. The first that fits counts. */
const TEXTS: readonly Known[] = [
  [/not in domain list|600002/i, "domain_not_listed"],
  [/exceed max concurrent|最多发起|超过.*个/i, "too_many_sockets"],
  [/interrupted|600003/i, "app_hidden"],
  [/code:21\b|required HTTP header/i, "headers_stripped"],
  [/code:20\b|invalid HTTP status|unexpected response|101 status/i, "handshake_refused"],
  [/code:8\b|TLS|SSL|certificate/i, "tls_failed"],
  [/code:9\b|timer expired|time(d )?-?out/i, "timed_out"],
  [/code:2\b|underlying transport|refused|reset/i, "unreachable"],
  [/600009|invalid url/i, "url_invalid"],
  [/600000|600001|network/i, "network_unknown"],
];

const REMEDIES: Readonly<Record<ProblemCause, string>> = {
  app_hidden: "None needed: the connection resumes when the app is shown",
  channel_denied: "Bind the device to this user, or name it in the ticket or token",
  connection_limit: "Close other connections of this user, or raise the limit of the server",
  connection_lost: "None needed: the connection resumes by itself",
  domain_not_listed:
    "Add the host to the socket domains: mp.weixin.qq.com, Development settings, Server domains",
  draining: "None needed: the server restarts and said when to come back",
  handshake_refused:
    "Something before Posthorn answered: check the proxy's Upgrade settings and the URL's path, and run posthorn doctor",
  headers_stripped: "Make the proxy pass on the Upgrade and Connection headers",
  network_unknown: "Check the phone's network, then the host and port of the URL",
  refused: "Read the code in the documentation of the client protocol, and the server's log",
  replaced: "The same user connected elsewhere; call connect() to take over again",
  signed_out: "Sign the user in, then call connect()",
  ticket_failed: "Make getTicket answer: it failed or took too long, and will be asked again",
  ticket_refused: "Give out a new ticket for every call of getTicket, and at once: it is good once",
  timed_out: "Check the port, the firewall, and whether it works over another network",
  tls_failed:
    "Serve the full certificate chain for this host; run posthorn doctor. Skipped checks hide this in the developer tools",
  token_expired: "None needed: getTicket is asked for a new one",
  token_invalid: "Sign tokens with the secret of this server",
  too_many_sockets: "Use one connection per app: close those that other code opens",
  unreachable: "Check that the server runs and that its port is open",
  url_invalid: "Give a url like wss://push.example.com",
};

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

export function problemOf(cause: ProblemCause, text: string, code?: number): Problem {
  const problem = { cause, remedy: REMEDIES[cause], text };
  return code === undefined ? problem : { ...problem, code };
}

/** Translates what a platform says about a socket. */
export function explainText(text: string): Problem {
  const known = TEXTS.find(([pattern]) => pattern.test(text));
  return problemOf(known === undefined ? "connection_lost" : known[1], text);
}

/** Translates a code of the server: of an error, of a close or of the end of a subscription. */
export function explainCode(code: number, text: string): Problem {
  return problemOf(CODES[code] ?? "refused", text, code);
}
