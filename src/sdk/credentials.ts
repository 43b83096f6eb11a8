import type { Language, PosthornOptions } from "./posthorn.d.ts";

/** A backend that has not answered by then is asked again. */
const ANSWER_MAX_MS = 15_000;

/**
 * An unused ticket is shown at a later connection for this long after it was asked for. Nobody tells
 * here for how long it is good; a minute, unless the backend wanted less.
 */
const TICKET_KEPT_MS = 30_000;

const WANTED = {
  en: {
    hint: "Return the member ticket of that object: ",
    rule: "getTicket must return the ticket's text, or null when nobody is signed in",
  },
  zh: {
    hint: "请返回该对象的 ticket 字段：",
    rule: "getTicket 必须返回 ticket 字符串；用户未登录时返回 null",
  },
} as const;

/** What getTicket gave is of no use. */
export class UnusableTicket extends Error {
  private readonly hasTicket: boolean;

  constructor(given: unknown) {
    super(`getTicket returned ${nameOf(given)}, wanted the ticket's text`);
    const { ticket } = (given ?? {}) as { readonly ticket?: unknown };
    this.hasTicket = typeof ticket === "string";
  }

  /** What it should give instead. */
  remedy(lang: Language): string {
    const { hint, rule } = WANTED[lang];
    return this.hasTicket ? hint + rule : rule;
  }
}

/**
 * Knows what to show at the next connection. A ticket is good once, so it is kept only until it was
 * sent; a token is kept until it is refused.
 */
export class Credentials {
  private readonly getTicket: PosthornOptions["getTicket"];
  private kept = "";
  private keptUntilMs = 0;
  private asked: Promise<string | null> | undefined;
  private askedAtMs = 0;
  private isSent = false;
  /** The last one shown was not made for that connection. */
  isReused = false;
  /** The last one shown was a ticket. */
  isTicket = false;

  constructor(getTicket: PosthornOptions["getTicket"]) {
    this.getTicket = getTicket;
  }

  /** Resolves to null when nobody is signed in. */
  async next(): Promise<string | null> {
    if (this.isTicket && (this.isSent || Date.now() >= this.keptUntilMs)) this.kept = "";
    this.isReused = this.kept !== "";
    if (this.isReused || this.getTicket === undefined) return this.kept;
    // One that was asked for an attempt that is over serves the next.
    if (this.asked === undefined) {
      this.asked = ask(this.getTicket);
      this.askedAtMs = Date.now();
    }
    const { asked } = this;
    try {
      const given = await asked;
      if (this.asked === asked && given !== null) this.keep(given);
      return given;
    } finally {
      if (this.asked === asked) this.asked = undefined;
    }
  }

  /** A frame was handed to the platform, or it would not take it. Only the one that shows what is kept counts. */
  sent(text: string, isSent: boolean): void {
    if (text.indexOf(JSON.stringify(this.kept)) >= 0) this.isSent = isSent;
  }

  /** What was shown has let the user in. */
  accepted(): void {
    if (this.isTicket) this.kept = "";
  }

  /** What is on its way may never come: the phone cuts requests of an app that it freezes. */
  forgetAsked(): void {
    this.asked = undefined;
  }

  /** What is kept, or on its way, is not good any more. */
  forget(): void {
    this.kept = "";
    this.forgetAsked();
  }

  private keep(given: string): void {
    this.kept = given;
    this.keptUntilMs = this.askedAtMs + TICKET_KEPT_MS;
    this.isTicket = !isToken(given);
    this.isSent = false;
  }
}

async function ask(getTicket: NonNullable<PosthornOptions["getTicket"]>): Promise<string | null> {
  const given: unknown = await inTime(Promise.resolve(getTicket()));
  if (given === null) return null;
  if (typeof given !== "string" || given === "") throw new UnusableTicket(given);
  return given;
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
