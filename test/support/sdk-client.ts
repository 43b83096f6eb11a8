import {
  Centrifuge,
  type ClientEvents,
  type ConnectedContext,
  type EventMap,
  type Options,
  type SubscribedContext,
  type Subscription,
  type SubscriptionEvents,
  type SubscriptionOptions,
  type TypedEventEmitter,
} from "centrifuge";
import { TestEventSource } from "./event-source.ts";
import { Inbox } from "./inbox.ts";

/** How the npm package `centrifuge` can be carried. */
export const SDK_TRANSPORTS = ["websocket", "http_stream", "sse"] as const;

export type SdkTransport = (typeof SDK_TRANSPORTS)[number];

type Heard<Events extends EventMap> = {
  readonly [Name in keyof Events]: Inbox<Parameters<Events[Name]>[0]>;
};

const COMMON_EVENTS = ["publication", "join", "leave", "error", "unsubscribed"] as const;
const CLIENT_EVENTS = ["connecting", "connected", "disconnected", "message"] as const;
const SUBSCRIPTION_EVENTS = ["subscribing", "subscribed", "state"] as const;

/** Keeps everything an emitter tells under these names. */
function listen<Events extends EventMap>(
  emitter: TypedEventEmitter<Events>,
  names: readonly (keyof Events)[],
): Heard<Events> {
  const entries = names.map((name) => {
    const inbox = new Inbox<unknown>();
    emitter.on(name, ((context: unknown) => inbox.push(context)) as Events[keyof Events]);
    return [name, inbox];
  });
  return Object.fromEntries(entries);
}

/** Where a server is, as the SDK wants to know it. */
interface Addresses {
  readonly url: string;
  readonly wsUrl: string;
}

export interface SdkOptions extends Partial<Options> {
  readonly transport?: SdkTransport;
}

/** The npm package `centrifuge` with quick retries, and all it told its application. */
export class SdkClient implements Disposable {
  readonly centrifuge: Centrifuge;
  readonly heard: Heard<ClientEvents>;

  constructor({ url, wsUrl }: Addresses, { transport = "websocket", ...options }: SdkOptions = {}) {
    const endpoint = `${transport === "websocket" ? wsUrl : url}/connection/${transport}`;
    this.centrifuge = new Centrifuge([{ transport, endpoint }], {
      emulationEndpoint: `${url}/emulation`,
      eventsource: TestEventSource,
      websocket: WebSocket,
      minReconnectDelay: 20,
      maxReconnectDelay: 300,
      ...options,
    });
    const names = [...COMMON_EVENTS, ...CLIENT_EVENTS, "subscribed", "subscribing"] as const;
    this.heard = listen<ClientEvents>(this.centrifuge, names);
  }

  /** Connects; resolves with the first confirmation. */
  async connected(): Promise<ConnectedContext> {
    this.centrifuge.connect();
    return first(this.heard.connected, "the connection");
  }

  /** Makes a subscription that is not active yet. */
  subscription(channel: string, options: Partial<SubscriptionOptions> = {}): SdkSubscription {
    const delays = { minResubscribeDelay: 20, maxResubscribeDelay: 300 };
    return new SdkSubscription(this.centrifuge.newSubscription(channel, { ...delays, ...options }));
  }

  /** Subscribes and waits for the confirmation. */
  async subscribed(
    channel: string,
    options: Partial<SubscriptionOptions> = {},
  ): Promise<SdkSubscription> {
    const subscription = this.subscription(channel, options);
    await subscription.subscribed();
    return subscription;
  }

  [Symbol.dispose](): void {
    this.centrifuge.disconnect();
  }
}

/** One subscription of the SDK, and all it told. */
export class SdkSubscription {
  readonly sdk: Subscription;
  readonly heard: Heard<SubscriptionEvents>;

  constructor(subscription: Subscription) {
    this.sdk = subscription;
    this.heard = listen<SubscriptionEvents>(subscription, [
      ...COMMON_EVENTS,
      ...SUBSCRIPTION_EVENTS,
    ]);
  }

  /** Subscribes; resolves with the next confirmation. */
  async subscribed(): Promise<SubscribedContext> {
    const from = this.heard.subscribed.items.length;
    this.sdk.subscribe();
    return this.heard.subscribed.find(() => true, {
      what: `${this.sdk.channel}, subscribed`,
      from,
    });
  }

  /** Resolves when it is not subscribed, with the code that says why. */
  async ended(): Promise<number> {
    return (await first(this.heard.unsubscribed, `the end of ${this.sdk.channel}`)).code;
  }

  /** The data of the publications so far, once there are as many. */
  async data(count: number): Promise<unknown[]> {
    const { publication } = this.heard;
    await publication.find(() => publication.items.length >= count, {
      what: `publication ${count} of ${this.sdk.channel}`,
    });
    return publication.items.map(({ data }) => data);
  }
}

/** The first that came or will come. */
export function first<T>(
  inbox: Inbox<T>,
  what: string,
  matches: (item: T) => boolean = () => true,
): Promise<T> {
  return inbox.find(matches, { what });
}
