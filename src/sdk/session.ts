import { Centrifuge, type PublicationContext, type SubscribedContext } from "centrifuge";
import { Credentials, UnusableTicket } from "./credentials.ts";
import { explainCode, explainRejection, explainText, problemOf } from "./explain.ts";
import { Gate } from "./gate.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Listeners } from "./listeners.ts";
import { NetworkEvents } from "./network-events.ts";
import type { Platform } from "./platform.ts";
import type { Language, PosthornOptions, Problem, Status } from "./posthorn.d.ts";
import { createSocketClass, type SocketWatch } from "./socket-class.ts";

/** Handshakes over a bad mobile network take their time. */
const ANSWER_MAX_MS = 10_000;

/** New tickets that are refused one after the other mean that another one will not help. */
const TICKETS_REFUSED_MAX = 3;

const TICKET_REFUSED = 4001;
const TOKEN_INVALID = 3500;
const BAD_REQUEST = 3501;
const TOKEN_EXPIRED = 3005;

/** Errors of the protocol's client itself have numbers below 100, and one that never opened only words. */
const NOT_ANSWERED = 1;
const NOT_OPENED = "connect timeout";

/** The one connection of an app: its socket, its way back, and what it tells of itself. */
export class Session implements SocketWatch {
  readonly client: Centrifuge;
  readonly gate = new Gate();
  readonly statuses = new Listeners<[Status]>();
  /** What comes in channels to which the server itself has subscribed this client. */
  readonly givenPublications = new Listeners<[PublicationContext]>();
  readonly givenSubscriptions = new Listeners<[SubscribedContext]>();
  /** In which remedies are told. */
  readonly lang: Language;
  status: Status = { state: "connecting" };
  private readonly credentials: Credentials;
  private readonly lifecycle: Lifecycle;
  private readonly hasTickets: boolean;
  private problem: Problem | undefined;
  private isPaused = false;
  private ticketsRefused = 0;
  /** The number of the last attempt to get a ticket or a token. */
  private attempt = 0;

  constructor(endpoint: string, platform: Platform, options: PosthornOptions) {
    this.lang = /^zh/i.test(options.lang ?? platform.language()) ? "zh" : "en";
    this.credentials = new Credentials(options.getTicket);
    this.hasTickets = options.getTicket !== undefined;
    const network = new NetworkEvents();
    this.client = new Centrifuge(endpoint, {
      websocket: createSocketClass(platform, this),
      networkEventTarget: network,
      getToken: () => this.nextToken() as Promise<string>,
      timeout: ANSWER_MAX_MS,
      name: `posthorn-${platform.name}`,
    });
    const { background = platform.freezes ? "close" : "keep" } = options;
    this.lifecycle = new Lifecycle({
      platform,
      network,
      gate: this.gate,
      closesWhenHidden: background === "close",
      onCut: () => {
        this.attempt += 1;
        this.credentials.forgetAsked();
      },
      onPaused: (isPaused) => {
        this.isPaused = isPaused;
        if (this.client.state === "connecting") this.tell(this.away());
      },
    });
    this.follow();
    this.client.connect();
  }

  connect(): void {
    if (this.status.state !== "stopped") return;
    this.ticketsRefused = 0;
    // What is kept may be that of whoever was signed in before.
    this.credentials.forget();
    this.gate.forget();
    this.client.connect();
  }

  close(): void {
    this.lifecycle.end();
    this.gate.end();
    this.client.disconnect();
    this.problem = undefined;
    this.tell("closed");
    this.statuses.clear();
    this.givenPublications.clear();
    this.givenSubscriptions.clear();
  }

  heard(): void {
    this.lifecycle.heardAtMs = Date.now();
  }

  sent(text: string, isSent: boolean): void {
    this.credentials.sent(text, isSent);
  }

  troubled(text: string, wasOpen: boolean): void {
    this.problem = explainText({ text, wasOpen }, this.lang);
  }

  ended(code: number, reason: string, wasOpen: boolean): void {
    // So the next attempt asks for a new one, and through that is held up at the gate.
    this.client.setToken("");
    const retryAfterMs = retryAfterIn(reason);
    if (retryAfterMs > 0) this.gate.waitFor(retryAfterMs);
    if (code === TICKET_REFUSED) this.ticketRefused();
    if (code === TICKET_REFUSED || code === TOKEN_EXPIRED) this.credentials.forget();
    // Below 3000 the network or the platform spoke, not the server.
    if (code >= 3000) this.problem = this.explained(code, reason);
    else if (this.problem === undefined && (code > 1000 || reason !== "")) {
      this.troubled(reason, wasOpen);
    }
  }

  lost(code: number): void {
    if (code < 3000) this.lifecycle.lost();
  }

  private async nextToken(): Promise<string | null> {
    const { lang } = this;
    this.attempt += 1;
    const { attempt } = this;
    // While connected it is asked for because the one in use is about to expire.
    if (this.client.state === "connected") this.credentials.forget();
    else await this.gate.pass();
    // It may have been closed since the gate was passed.
    if (this.status.state === "closed") return null;
    if (this.ticketsRefused >= TICKETS_REFUSED_MAX) return null;
    let problem: Problem | undefined;
    try {
      const token = await this.credentials.next();
      if (token === null) problem = problemOf("signed_out", "getTicket returned null", { lang });
      return token;
    } catch (error) {
      problem = explainRejection(wordsOf(error), lang);
      if (error instanceof UnusableTicket) problem = { ...problem, remedy: error.remedy(lang) };
      throw error;
    } finally {
      // What went wrong with one attempt says nothing of the next.
      if (attempt === this.attempt) this.problem = problem;
    }
  }

  private follow(): void {
    const { client } = this;
    client.on("connected", () => {
      this.problem = undefined;
      this.ticketsRefused = 0;
      this.credentials.accepted();
      this.tell("connected");
    });
    client.on("connecting", () => this.tell(this.away()));
    client.on("error", ({ type, error }) => {
      this.failed(type, error);
      if (client.state === "connecting") this.tell(this.away());
    });
    client.on("publication", (context) => this.givenPublications.tell(context));
    client.on("subscribed", (context) => this.givenSubscriptions.tell(context));
    client.on("disconnected", ({ code, reason }) => this.stopped(code, reason));
  }

  private failed(type: string, { code, message }: { code: number; message: string }): void {
    if (type === "connect" && code === 109) this.expired(message);
    else if (code >= 100) this.problem = explainCode(code, message, this.lang);
    else if ((type === "connect" && code === NOT_ANSWERED) || message === NOT_OPENED) {
      // Nobody spoke: the socket was closed here, which says nothing of why.
      const text = `timeout: no answer within ${ANSWER_MAX_MS / 1000} s`;
      this.problem = problemOf("timed_out", text, { lang: this.lang });
    }
  }

  /** A code that ends the connection. */
  private explained(code: number, text: string): Problem {
    const { lang } = this;
    const isRefused = code === TOKEN_INVALID || code === BAD_REQUEST;
    // Whoever was let in with nothing in hand complains of something else.
    const isMissing = isRefused && !this.hasTickets && this.client.state !== "connected";
    return isMissing
      ? problemOf("ticket_missing", text, { lang, code })
      : explainCode(code, text, lang);
  }

  /** What was shown is not good any more. */
  private expired(text: string): void {
    const cause = this.credentials.isTicket ? "ticket_refused" : "token_expired";
    this.problem = problemOf(cause, text, { lang: this.lang, code: 109 });
    if (this.credentials.isTicket) this.ticketRefused();
    this.credentials.forget();
  }

  private ticketRefused(): void {
    // One that was kept may have become too old meanwhile, and the next is a new one.
    if (!this.credentials.isReused) this.ticketsRefused += 1;
  }

  private stopped(code: number, reason: string): void {
    if (this.status.state === "closed" || code === 0) return;
    if (code === TOKEN_INVALID && this.credentials.isReused) {
      // It was good once: the server's keys may have changed since, so a new one is worth a try.
      this.credentials.forget();
      this.client.connect();
      return;
    }
    this.problem = this.problem ?? this.explained(code, reason);
    this.tell("stopped");
  }

  private away(): "paused" | "connecting" {
    return this.isPaused ? "paused" : "connecting";
  }

  private tell(state: Status["state"]): void {
    const { problem } = this;
    const isSame = this.status.state === state && this.status.problem === problem;
    if (this.status.state === "closed" || isSame) return;
    this.status = problem === undefined ? { state } : { state, problem };
    this.statuses.tell(this.status);
  }
}

/** What a server that is about to go wants of its clients: `{"retry_after_ms":…}`. */
function retryAfterIn(reason: string): number {
  try {
    return Number((JSON.parse(reason) as { retry_after_ms?: unknown }).retry_after_ms) || 0;
  } catch {
    return 0; // words for people
  }
}

/** What calls of the platforms fail with, such as `wx.login`, is no `Error`. */
function wordsOf(error: unknown): string {
  const { errMsg, errorMessage, message } = Object(error) as Readonly<Record<string, unknown>>;
  const words = errMsg || errorMessage || message;
  if (!words && Object(error) === error) return `an object with ${Object.keys(error as object)}`;
  return String(words || error);
}
