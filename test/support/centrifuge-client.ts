import { Centrifuge, type PublicationContext, type SubscribedContext } from "centrifuge";
import { trustingWebSocket } from "./frame-socket.ts";
import { Inbox } from "./inbox.ts";

export interface CentrifugeOptions {
  readonly token: string;
  /** PEM text of the authority to trust. */
  readonly ca?: string;
  /** Fetches a new token when the server says that the old one has expired. */
  readonly getToken?: () => Promise<string>;
}

/** A client on the npm package `centrifuge`, as an application would use it, with quick retries. */
export class CentrifugeClient implements Disposable {
  readonly publications = new Inbox<PublicationContext>();
  readonly subscribed = new Inbox<SubscribedContext>();
  /** Every state it entered, with the reason. */
  readonly states = new Inbox<string>();
  readonly #centrifuge: Centrifuge;

  constructor(url: string, { token, ca, getToken }: CentrifugeOptions) {
    this.#centrifuge = new Centrifuge(`${url}/connection/websocket`, {
      token,
      ...(getToken && { getToken }),
      minReconnectDelay: 20,
      maxReconnectDelay: 300,
      websocket: ca === undefined ? WebSocket : trustingWebSocket(ca),
    });
    this.#centrifuge.on("connected", () => this.states.push("connected"));
    this.#centrifuge.on("connecting", ({ code, reason }) =>
      this.states.push(`connecting ${code} ${reason}`),
    );
    this.#centrifuge.on("disconnected", ({ code, reason }) =>
      this.states.push(`disconnected ${code} ${reason}`),
    );
    this.#centrifuge.on("publication", (context) => this.publications.push(context));
  }

  connect(): void {
    this.#centrifuge.connect();
  }

  /** Subscribes on the client's side; resolves with the first confirmation. */
  async subscribe(channel: string): Promise<SubscribedContext> {
    const subscription = this.#centrifuge.newSubscription(channel, {
      minResubscribeDelay: 20,
      maxResubscribeDelay: 300,
    });
    subscription.on("publication", (context) => this.publications.push(context));
    subscription.on("subscribed", (context) => this.subscribed.push(context));
    subscription.subscribe();
    const isOurs = (context: SubscribedContext) => context.channel === channel;
    return this.subscribed.find(isOurs, { what: `the subscription to ${channel}` });
  }

  [Symbol.dispose](): void {
    this.#centrifuge.disconnect();
  }
}
