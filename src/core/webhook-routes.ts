import { parseGlob } from "./glob.ts";

/** Which events one endpoint wants. */
export interface WebhookRoute {
  readonly endpoint: string;
  /** Patterns of event types; one that fits is enough. */
  readonly events: readonly string[];
}

/** Tells which endpoints want an event of a type; often none. */
export type WebhookRoutes = (type: string) => readonly string[];

/** Reads the patterns once. Throws `glob_malformed`. */
export function createWebhookRoutes(routes: readonly WebhookRoute[]): WebhookRoutes {
  const read = routes.map(({ endpoint, events }) => ({ endpoint, globs: events.map(parseGlob) }));
  return (type) =>
    read
      .filter(({ globs }) => globs.some((matches) => matches(type)))
      .map(({ endpoint }) => endpoint);
}
