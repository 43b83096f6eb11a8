import { Centrifuge, type PublicationContext, type SubscribedContext } from "centrifuge";
import { Credentials, UnusableTicket } from "./credentials.ts";
import { explainCode, explainText, problemOf } from "./explain.ts";
import { Gate } from "./gate.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Listeners } from "./listeners.ts";
import { NetworkEvents } from "./network-events.ts";
import type { Platform } from "./platform.ts";
import type { PosthornOptions, Problem, Status } from "./posthorn.d.ts";
import { createSocketClass, type SocketWatch } from "./socket-class.ts";

/** Handshakes over a bad mobile network take their time. */
const ANSWER_MAX_MS = 10_000;

/** New tickets that are refused one after the other mean that another one will not help. */
const TICKETS_REFUSED_MAX = 3;

const TICKET_REFUSED = 4001;
const TOKEN_INVALID = 3500;
const TOKEN_EXPIRED = 3005;

/** The one connection of an app: its socket, its way back, and what it tells of itself. */
export class Session implements SocketWatch {
  readonly client: Centrifuge;
  readonly gate = new Gate();
  readonly statuses = new Listeners<[Status]>();
  /** What comes in channels to which the server itself has subscribed this client. */
  readonly givenPublications = new Listeners<[PublicationContext]>();
  readonly givenSubscriptions = new Listeners<[SubscribedContext]>();
  status: Status = { state: "connecting" };
  private readonly credentials: Credentials;
  private readonly lifecycle: Lifecycle;
  private problem: Problem | undefined;
  private isPaused = false;
  private ticketsRefused = 0;

  constructor(endpoint: string, platform: Platform, options: PosthornOptions) {
    this.credentials = new Credentials(options.getTicket);
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
    this.gate.forget();
    this.client.connect();
  }

  close(): void {
    this.lifecycle.end();
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

  troubled(problem: Problem): void {
    this.problem = problem;
  }

  ended(code: number, reason: string): void {
    // So the next attempt asks for a new one, and through that is held up at the gate.
    this.client.setToken("");
    const retryAfterMs = retryAfterIn(reason);
    if (retryAfterMs > 0) this.gate.waitFor(retryAfterMs);
    if (code === TICKET_REFUSED) this.ticketsRefused += 1;
    if (code === TICKET_REFUSED || code === TOKEN_EXPIRED) this.credentials.forget();
    // Below 3000 the network or the platform spoke, not the server.
    if (code >= 3000) this.problem = explainCode(code, reason);
    else if (code > 1000 || reason !== "") this.problem = this.problem ?? explainText(reason);
  }

  lost(code: number): void {
    if (code < 3000) this.lifecycle.lost();
  }

  private async nextToken(): Promise<string | null> {
    // While connected it is asked for because the one in use is about to expire.
    if (this.client.state === "connected") this.credentials.forget();
    else await this.gate.pass();
    if (this.ticketsRefused >= TICKETS_REFUSED_MAX) return null;
    try {
      const token = await this.credentials.next();
      // What went wrong with the last attempt says nothing of the next.
      this.problem =
        token === null ? problemOf("signed_out", "getTicket returned null") : undefined;
      return token;
    } catch (error) {
      const problem = problemOf("ticket_failed", String(error));
      const isUnusable = error instanceof UnusableTicket;
      this.problem = isUnusable
        ? { ...problem, text: error.message, remedy: error.remedy }
        : problem;
      throw error;
    }
  }

  private follow(): void {
    const { client } = this;
    client.on("connected", () => {
      this.problem = undefined;
      this.ticketsRefused = 0;
      this.tell("connected");
    });
    client.on("connecting", () => this.tell(this.away()));
    client.on("error", ({ type, error }) => {
      if (type === "connect" && error.code === 109) this.expired(error.message);
      else if (error.code >= 100) this.problem = explainCode(error.code, error.message);
      if (client.state === "connecting") this.tell(this.away());
    });
    client.on("publication", (context) => this.givenPublications.tell(context));
    client.on("subscribed", (context) => this.givenSubscriptions.tell(context));
    client.on("disconnected", ({ code, reason }) => this.stopped(code, reason));
  }

  /** What was shown is not good any more. */
  private expired(text: string): void {
    const { isTicket } = this.credentials;
    this.problem = problemOf(isTicket ? "ticket_refused" : "token_expired", text, 109);
    if (isTicket) this.ticketsRefused += 1;
    this.credentials.forget();
  }

  private stopped(code: number, reason: string): void {
    if (this.status.state === "closed" || code === 0) return;
    if (code === TOKEN_INVALID && this.credentials.isReused) {
      // It was good once: the server's keys may have changed since, so a new one is worth a try.
      this.credentials.forget();
      this.client.connect();
      return;
    }
    this.problem = this.problem ?? explainCode(code, reason);
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
