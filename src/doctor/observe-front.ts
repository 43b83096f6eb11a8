import type { Clock } from "../core/ports/clock.ts";
import { type Answer, ask } from "./http-exchange.ts";
import type { Target } from "./target.ts";
import { openWire, type Trouble, troubleOf, type WireOptions } from "./wire.ts";

/** An answer and how long it took, or why there was none. */
export type Asked =
  | { readonly answer: Answer; readonly sentMs: number; readonly tookMs: number }
  | { readonly trouble: Trouble; readonly tookMs: number };

/** What came back from where a server's HTTP is. */
export interface FrontSeen {
  /** A path that nothing answers, among those of devices: whoever refuses it says who he is. */
  readonly unknown: Asked;
  readonly ready: Asked;
}

/** Nothing answers there. */
export const UNKNOWN_PATH = "/v1/posthorn-doctor";

/** How to reach a server, once its name was looked up. */
export interface Route {
  readonly target: Target;
  readonly wire: WireOptions;
  readonly clock: Clock;
}

/** What {@link askServer} sends; the path comes behind the target's own. */
export interface ServerQuestion {
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly waitMs?: number;
}

/** Asks the server's HTTP for what tells who it is and how it is. */
export async function observeFront(route: Route): Promise<FrontSeen> {
  const [unknown, ready] = await Promise.all([
    askServer(route, { path: UNKNOWN_PATH }),
    askServer(route, { path: "/readyz" }),
  ]);
  return { unknown, ready };
}

/** Asks on a connection of its own. Never rejects. */
export async function askServer(route: Route, question: ServerQuestion): Promise<Asked> {
  const { target, wire, clock } = route;
  const startedMs = clock.monotonicMs();
  const sentMs = clock.nowMs();
  try {
    using opened = await openWire(wire, clock);
    const answer = await ask(opened, {
      method: "GET",
      ...question,
      path: `${target.prefix}${question.path}`,
      authority: target.authority,
    });
    return { answer, sentMs, tookMs: clock.monotonicMs() - startedMs };
  } catch (error) {
    return { trouble: troubleOf(error), tookMs: clock.monotonicMs() - startedMs };
  }
}

/** The members of an answer that is a JSON object; undefined for any other answer. */
export function membersOf({ body }: Answer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The words of a page that somebody else sent, short and on one line. */
export function excerptOf({ body }: Answer): string {
  const title = /<title>([^<]*)<\/title>/i.exec(body)?.[1];
  const text = title ?? body.replace(/<[^>]*>/g, " ");
  return (
    text
      .replace(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .slice(0, EXCERPT_MAX_CHARS) || "-"
  );
}

const EXCERPT_MAX_CHARS = 120;
