import { Fault } from "./faults.ts";

/** What a token or the backend decides for one subscription, whatever its namespace says. Absent: as the namespace. */
export interface SubscriptionOverride {
  readonly presence?: boolean;
  readonly joinLeave?: boolean;
  /** The client is told of joins and leaves without asking. */
  readonly forcePushJoinLeave?: boolean;
  readonly forceRecovery?: boolean;
  readonly forcePositioning?: boolean;
}

/** The names in tokens, in answers of the backend and in the server API. */
const NAMES = {
  presence: "presence",
  join_leave: "joinLeave",
  force_push_join_leave: "forcePushJoinLeave",
  force_recovery: "forceRecovery",
  force_positioning: "forcePositioning",
} as const satisfies Record<string, keyof SubscriptionOverride>;

/** Reads `{"presence":{"value":true}}`, or throws `override_malformed`. A choice without a value is a no. */
export function parseOverride(value: unknown): SubscriptionOverride {
  const choices = membersOf(value);
  const override: { -readonly [Name in keyof SubscriptionOverride]: boolean } = {};
  for (const [wireName, name] of Object.entries(NAMES)) {
    const choice = choices.get(wireName);
    if (choice == null) continue;
    const chosen = membersOf(choice).get("value") ?? false;
    if (typeof chosen !== "boolean") throw malformed();
    override[name] = chosen;
  }
  return override;
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return new Map(Object.entries(value));
}

function malformed(): Fault {
  const names = Object.keys(NAMES).join(", ");
  return new Fault("override_malformed", { detail: `wanted {"value":true} for any of ${names}` });
}
