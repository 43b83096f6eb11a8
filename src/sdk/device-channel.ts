import {
  type PublicationContext,
  type StreamPosition,
  type SubscribedContext,
  type Subscription,
  SubscriptionState,
} from "centrifuge";
import { explainCode } from "./explain.ts";
import type { GivenChannels } from "./given-channels.ts";
import { Listeners } from "./listeners.ts";
import type { Problem } from "./posthorn.d.ts";
import type { Session } from "./session.ts";

/** A page that opens where another closed goes on with its subscription. */
const LINGER_MS = 5_000;

/** The server has subscribed this client already, as its ticket or token says, and brings it all the same. */
const SUBSCRIBED_ALREADY = 105;

/**
 * The subscription to a device's channel. All who want to hear the device share it; it ends some
 * seconds after the last of them has gone.
 */
export class DeviceChannel {
  readonly subscribed = new Listeners<[SubscribedContext]>();
  readonly published = new Listeners<[PublicationContext]>();
  /** Nothing is heard any more, or was never to be. */
  readonly problems = new Listeners<[Problem]>();
  private readonly session: Session;
  private readonly given: GivenChannels;
  private readonly name: string;
  private subscription: Subscription | undefined;
  private holds = 0;
  private lingering: ReturnType<typeof setTimeout> | undefined;
  /** It was told so; only who listens anew hears it again. */
  private isRefused = false;

  constructor(session: Session, given: GivenChannels, device: string) {
    this.session = session;
    this.given = given;
    this.name = `device:${device}`;
    session.givenPublications.add((context) => {
      if (this.isWanted(context.channel)) this.published.tell(context);
    });
    session.givenSubscriptions.add((context) => {
      if (this.isWanted(context.channel)) this.heard(context);
    });
    given.ended.add((channel, since) => {
      if (this.isWanted(channel)) this.subscribe(since);
    });
    // What was refused may be allowed by now, and of that nobody told while there was no connection.
    session.statuses.add(({ state }) => {
      if (state === "connected" && this.holds > 0) this.subscribe();
    });
  }

  /** What is published now arrives, unless the connection is cut. */
  get isHeard(): boolean {
    return this.isGiven || this.subscription?.state === SubscriptionState.Subscribed;
  }

  /** The server has subscribed this client by itself. */
  get isGiven(): boolean {
    return this.given.has(this.name);
  }

  /** Keeps it for as long as the caller needs it. Call what this returns; twice is harmless. */
  hold(): () => void {
    this.isRefused = false;
    return this.holdUnlessRefused();
  }

  /** The same for who can do without: one that was refused is not asked for again. */
  holdUnlessRefused(): () => void {
    this.holds += 1;
    clearTimeout(this.lingering);
    if (!this.isRefused) this.subscribe();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.holds -= 1;
      if (this.holds === 0) this.lingering = setTimeout(() => this.end(), LINGER_MS);
    };
  }

  /** Ends it at once, whoever holds it. */
  end(): void {
    clearTimeout(this.lingering);
    const { subscription } = this;
    if (subscription === undefined) return;
    this.subscription = undefined;
    this.session.client.removeSubscription(subscription);
  }

  private isWanted(channel: string): boolean {
    return channel === this.name && this.holds > 0;
  }

  private heard(context: SubscribedContext): void {
    this.isRefused = false;
    this.subscribed.tell(context);
  }

  private subscribe(since?: StreamPosition): void {
    if (this.subscription !== undefined || this.isGiven) return;
    const subscription = this.session.client.newSubscription(this.name, {
      recoverable: true,
      positioned: true,
      data: { state: true },
      ...(since && { since }),
    });
    subscription.on("subscribed", (context) => this.heard(context));
    subscription.on("publication", (context) => this.published.tell(context));
    subscription.on("unsubscribed", ({ code, reason }) => {
      // One that was refused stands in the way of what the server may bring by itself, then or later;
      // whoever listens anew tries anew.
      if (this.subscription === subscription) this.end();
      if (code < 100 || code === SUBSCRIBED_ALREADY || this.isRefused) return;
      this.isRefused = true;
      this.problems.tell(explainCode(code, reason, this.session.lang));
    });
    this.subscription = subscription;
    subscription.subscribe();
  }
}
