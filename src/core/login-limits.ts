/** Those of tickets, logins and sessions; used as `LIMITS`. */
export const LOGIN_LIMITS = {
  /** A ticket is on its way to a client; one that stays longer has leaked. */
  ticketTtlMs: 60_000,
  /** Tickets that nobody has shown yet: enough for every client of a full server to come back at once. */
  ticketsMax: 50_000,
  /** Channels and devices that one ticket may name, each. */
  ticketGrantsMax: 1_000,
  /** Tickets that are over and remembered, so that the log can tell what they were. */
  ticketsRemembered: 10_000,
  /** Of what a mini-program gets to log in; real ones are far shorter. */
  loginCodeMaxChars: 1_024,
  /** Of a request that anybody may make. */
  loginBodyMaxBytes: 16 * 1024,
  /** One question to a login provider, and what of its answer is read. */
  loginTimeoutMs: 5_000,
  loginAnswerMaxBytes: 64 * 1024,
  /** Before a busy login provider is asked once more. */
  loginRetryMs: 500,
  /** Questions to login providers at a time, and those of one address among them. */
  loginsAtATime: 64,
  loginsAtATimePerAddress: 16,
  /** Attempts of one address to log in or to get a ticket; in mobile networks thousands of phones share one. */
  loginsPerAddressPerSecond: 10,
  loginsPerAddressBurst: 200,
  /** Tickets that one user may get for a session. */
  sessionTicketsPerSecond: 1,
  sessionTicketsBurst: 10,
  /** How long somebody need not log in again. */
  sessionTtlMs: 7 * 24 * 60 * 60 * 1000,
} as const;
