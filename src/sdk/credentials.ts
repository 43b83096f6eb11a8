import type { PosthornOptions } from "./posthorn.d.ts";

/** A backend that has not answered by then is asked again. */
const ANSWER_MAX_MS = 15_000;

/** What getTicket gave is of no use, and what it should give instead. */
export class UnusableTicket extends Error {
  readonly remedy: string;

  constructor(given: unknown) {
    super(`getTicket returned ${nameOf(given)}, wanted the ticket's text`);
    const { ticket } = (given ?? {}) as { readonly ticket?: unknown };
    const hint = typeof ticket === "string" ? "Return the member ticket of that object: " : "";
    this.remedy = `${hint}getTicket must return the ticket's text, or null when nobody is signed in`;
  }
}

/**
 * Knows what to show at the next connection. A ticket is good once, so each connection needs a new
 * one; a token is kept until it is refused.
 */
export class Credentials {
  private readonly getTicket: PosthornOptions["getTicket"];
  private kept = "";
  /** The last one shown was not made for that connection. */
  isReused = false;
  /** The last one shown was a ticket. */
  isTicket = false;

  constructor(getTicket: PosthornOptions["getTicket"]) {
    this.getTicket = getTicket;
  }

  /** Resolves to null when nobody is signed in. */
  async next(): Promise<string | null> {
    this.isReused = this.kept !== "";
    if (this.isReused || this.getTicket === undefined) return this.kept;
    const given = await inTime(Promise.resolve(this.getTicket()));
    if (given === null) return null;
    if (typeof given !== "string" || given === "") throw new UnusableTicket(given);
    this.isTicket = !isToken(given);
    if (!this.isTicket) this.kept = given;
    return given;
  }

  /** The one that is kept is not good any more. */
  forget(): void {
    this.kept = "";
  }
}

/** Its kind and never its text, which is a secret. */
function nameOf(given: unknown): string {
  if (given === undefined) return "undefined";
  if (given === "") return "an empty text";
  return typeof given === "object" ? "an object" : `a ${typeof given}`;
}

/** A signed token has three parts; a ticket has no dot in it. */
function isToken(text: string): boolean {
  return text.includes(".");
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`Cannot get a ticket: no answer within ${ANSWER_MAX_MS} ms`);
    timer = setTimeout(() => reject(error), ANSWER_MAX_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
