import type { LiveNamespaces } from "../../core/namespaces.ts";
import type { ApiKeys } from "../../core/ports/api-keys.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Streams } from "../../core/ports/engine.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Presence } from "../../core/presence.ts";
import type { Publisher } from "../../core/publisher.ts";
import type { TraceContext } from "../../core/trace-context.ts";
import type { Client } from "../../ws/client.ts";
import type { ClientRegistry } from "../../ws/client-registry.ts";
import type { LiveFanout } from "../../ws/live-fanout.ts";
import type { NodeIdentity } from "../../ws/node-info.ts";
import type { CallerPaces } from "../caller-paces.ts";

/** The keys that let the backend in. */
export interface ApiAccess {
  readonly apiKeys: ApiKeys;
  /** Good only for whoever sits at the machine itself. Absent: there are none. */
  readonly localKeys?: ApiKeys;
  readonly paces: Pick<CallerPaces, "checkKey" | "checkFailures" | "checkGuess" | "keyWasRight">;
}

/** What the backend acts upon. */
export interface ApiParts extends ApiAccess {
  readonly namespaces: LiveNamespaces;
  readonly publisher: Publisher;
  readonly streams: Pick<Streams, "history" | "removeHistory">;
  readonly presence: Presence;
  readonly registry: ClientRegistry<Client>;
  readonly fanout: LiveFanout;
  readonly node: NodeIdentity;
}

export interface ApiServices extends ApiParts {
  /** Of the request that is being answered. */
  readonly trace?: TraceContext | undefined;
  readonly clock: Clock;
  readonly log: Log;
}
