import type { NodeInfo } from "../protocol/server-api-answer.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { LiveFanout } from "./live-fanout.ts";

/** Who this node is. */
export interface NodeIdentity {
  readonly uid: string;
  readonly name: string;
  readonly version: string;
  /** By the clock that never jumps. */
  readonly startedAtMs: number;
}

export interface NodeParts {
  readonly node: NodeIdentity;
  readonly registry: Pick<ClientRegistry, "admittedClients" | "users">;
  readonly fanout: Pick<LiveFanout, "channels" | "members">;
}

/** What this node holds now. */
export function describeNode({ node, registry, fanout }: NodeParts, monotonicMs: number): NodeInfo {
  const channels = [...fanout.channels()];
  const { uid, name, version, startedAtMs } = node;
  return {
    uid,
    name,
    version,
    clients: registry.admittedClients().length,
    users: registry.users,
    subscriptions: channels.reduce((sum, channel) => sum + fanout.members(channel), 0),
    channels: channels.length,
    uptimeSeconds: Math.floor((monotonicMs - startedAtMs) / 1000),
  };
}
