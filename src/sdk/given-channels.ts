import type { StreamPosition } from "centrifuge";
import { Listeners } from "./listeners.ts";
import type { Session } from "./session.ts";

/** The channels to which the server has subscribed this client by itself, and how far each was heard. */
export class GivenChannels {
  /** One of them comes no more, with what the client may go on behind by its own subscription. */
  readonly ended = new Listeners<[channel: string, since: StreamPosition | undefined]>();
  private readonly positions = new Map<string, StreamPosition | undefined>();

  constructor({ client, givenSubscriptions, givenPublications }: Session) {
    const { positions } = this;
    givenSubscriptions.add(({ channel, streamPosition }) => {
      positions.set(channel, streamPosition);
    });
    givenPublications.add(({ channel, offset }) => {
      const known = positions.get(channel);
      if (known !== undefined && offset !== undefined) positions.set(channel, { ...known, offset });
    });
    // Also when the client is back and the server has not given it this time: what a binding brought
    // while the client was there is not given to one that comes with it.
    client.on("unsubscribed", ({ channel }) => {
      const since = positions.get(channel);
      if (positions.delete(channel)) this.ended.tell(channel, since);
    });
  }

  has(channel: string): boolean {
    return this.positions.has(channel);
  }
}
