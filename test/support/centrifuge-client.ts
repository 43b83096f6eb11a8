import { Centrifuge, type PublicationContext, type SubscribedContext } from "centrifuge";
import { TestEventSource } from "./event-source.ts";
import { trustingWebSocket } from "./frame-socket.ts";
import { Inbox } from "./inbox.ts";

export interface CentrifugeOptions {
  readonly token: string;
  /** PEM text of the authority to trust. */
  readonly ca?: string;
  /** Fetches a new token when the server says that the old one has expired. */
  readonly getToken?: () => Promise<string>;
  /** What carries it; a websocket when absent. */
  readonly transport?: "websocket" | "http_stream" | "sse";
}

/** A client on the npm package `centrifuge`, as an application would use it, with quick retries. */
export class CentrifugeClient implements Disposable {
  readonly publications = new Inbox<PublicationContext>();
  readonly subscribed = new Inbox<SubscribedContext>();
  /** Every state it entered, with the reason. */
  readonly states = new Inbox<string>();
  readonly #centrifuge: Centrifuge;

  constructor(url: string, { token, ca, getToken, transport = "websocket" }: CentrifugeOptions) {
    const base = transport === "websocket" ? url : url.replace(/^ws/, "http");
    const endpoint = `${base}/connection/${transport}`;
    const endpoints = transport === "websocket" ? endpoint : [{ transport, endpoint }];
    this.#centrifuge = new Centrifuge(endpoints, {
      token,
      emulationEndpoint: `${base}/emulation`,
      eventsource: TestEventSource,
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

  /** Publishes on the client's side. */
  async publish(channel: string, data: unknown): Promise<void> {
    await this.#centrifuge.publish(channel, data);
  }

  /** The offsets of what the channel keeps. */
  async history(channel: string): Promise<number[]> {
    const { publications } = await this.#centrifuge.history(channel, { limit: 100 });
    return publications.map(({ offset }) => Number(offset));
  }

  [Symbol.dispose](): void {
    this.#centrifuge.disconnect();
  }
}
