import type { Channel } from "../channel.ts";
import type { ClientInfo } from "../client-info.ts";
import type { Publication } from "../publication.ts";

/** Carries what happens in a channel to every client that listens to it now. MUST NOT throw. */
export interface Fanout {
  /** `epoch` is "" in a channel that keeps nothing. */
  publication(channel: Channel, publication: Publication, epoch: string): void;
  /** To those that want to know who comes. */
  join(channel: Channel, info: ClientInfo): void;
  /** To those that want to know who goes. */
  leave(channel: Channel, info: ClientInfo): void;
}
