import type { PosthornOptions } from "./posthorn.d.ts";

/** A backend that has not answered by then is asked again. */
const ANSWER_MAX_MS = 15_000;

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
    if (!given) return null;
    this.isTicket = !isToken(given);
    if (!this.isTicket) this.kept = given;
    return given;
  }

  /** The one that is kept is not good any more. */
  forget(): void {
    this.kept = "";
  }
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
