/**
 * What two processes say to each other. Versions that are not the same understand each other by these, so
 * they may get company but must keep their meaning.
 *
 * The new one: takeover → (leaving, as often as it takes, then follow) → listening → (yours) → serving, then response for each request;
 * leave: another one waits to take over from it. The old one in between, and refused at any time.
 */
export const SAYS = {
  status: "status",
  takeover: "takeover",
  refused: "refused",
  leaving: "leaving",
  follow: "follow",
  listening: "listening",
  yours: "yours",
  serving: "serving",
  request: "request",
  response: "response",
  leave: "leave",
} as const;
