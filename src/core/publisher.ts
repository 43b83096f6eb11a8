import type { Channel } from "./channel.ts";
import { LIMITS } from "./limits.ts";
import { type LiveNamespaces, requireRules } from "./namespaces.ts";
import type { Clock } from "./ports/clock.ts";
import type { Appended, Streams, VersionGuard } from "./ports/engine.ts";
import { type TraceContext, traceTags } from "./trace-context.ts";

export interface PublishRequest {
  readonly channel: Channel;
  /** JSON text. */
  readonly data: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** JSON text about the client that publishes. */
  readonly info?: string;
  /** Delivers to who listens now and keeps nothing. */
  readonly skipHistory?: boolean;
  /** A repeated key within {@link LIMITS.idempotencyTtlMs} publishes nothing and answers the same. */
  readonly idempotencyKey?: string;
  /** Publishes nothing that the channel has a newer version of. Without history nothing is guarded. */
  readonly version?: VersionGuard;
  readonly trace?: TraceContext | undefined;
}

/** Publishes what clients and the backend send, by the rules of the channel's namespace. */
export interface Publisher {
  /** Throws `channel_unknown` when the namespace is not configured. */
  publish(request: PublishRequest): Promise<Appended>;
}

export interface PublisherOptions {
  readonly streams: Pick<Streams, "append">;
  readonly namespaces: LiveNamespaces;
  readonly clock: Clock;
}

export function createPublisher({ streams, namespaces, clock }: PublisherOptions): Publisher {
  return {
    async publish({ channel, data, info, skipHistory, idempotencyKey, version, ...rest }) {
      // A tag of the publisher's own counts more.
      const tags = rest.trace ? { ...traceTags(rest.trace), ...rest.tags } : rest.tags;
      const rules = requireRules(channel, namespaces);
      const retention = skipHistory ? undefined : rules.retention;
      return streams.append({
        channel,
        publication: {
          data,
          timeMs: clock.nowMs(),
          ...(tags && { tags }),
          ...(info !== undefined && { info }),
        },
        ...(retention && { retention }),
        ...(retention && version && { version }),
        ...(idempotencyKey !== undefined && {
          dedupe: {
            scope: `channel ${channel}`,
            id: idempotencyKey,
            ttlMs: LIMITS.idempotencyTtlMs,
          },
        }),
      });
    },
  };
}
