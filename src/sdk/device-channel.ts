import type { PublicationContext, SubscribedContext, Subscription } from "centrifuge";
import { explainCode } from "./explain.ts";
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
  readonly problems = new Listeners<[Problem]>();
  private readonly session: Session;
  private readonly name: string;
  private subscription: Subscription | undefined;
  private holds = 0;
  private lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, device: string) {
    this.session = session;
    this.name = `device:${device}`;
    session.givenPublications.add((context) => {
      if (this.isWanted(context)) this.published.tell(context);
    });
    session.givenSubscriptions.add((context) => {
      if (this.isWanted(context)) this.subscribed.tell(context);
    });
  }

  /** Keeps it for as long as the caller needs it. Call what this returns; twice is harmless. */
  hold(): () => void {
    this.holds += 1;
    clearTimeout(this.lingering);
    if (this.subscription === undefined) this.subscribe();
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

  private isWanted({ channel }: { readonly channel: string }): boolean {
    return channel === this.name && this.holds > 0;
  }

  private subscribe(): void {
    const subscription = this.session.client.newSubscription(this.name, {
      recoverable: true,
      positioned: true,
      data: { state: true },
    });
    subscription.on("subscribed", (context) => this.subscribed.tell(context));
    subscription.on("publication", (context) => this.published.tell(context));
    subscription.on("unsubscribed", ({ code, reason }) => {
      // One that was refused stands in the way of what the server may bring by itself, then or later;
      // whoever listens anew tries anew.
      if (this.subscription === subscription) this.end();
      if (code >= 100 && code !== SUBSCRIBED_ALREADY) {
        this.problems.tell(explainCode(code, reason));
      }
    });
    this.subscription = subscription;
    subscription.subscribe();
  }
}
