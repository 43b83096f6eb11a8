import { describe, expect, test } from "bun:test";
import type { Namespace } from "../../../src/core/namespaces.ts";
import {
  type GrantedWishes,
  grantWishes,
  type SubscriptionWishes,
} from "../../../src/ws/subscription.ts";
import { namespaceRules } from "../../support/gateway-world.ts";

const RETENTION = { sizeMax: 10, ttlMs: 60_000 };
const CLOSED = namespaceRules({});
const KEPT = namespaceRules({ retention: RETENTION });
const FORCED = namespaceRules({ retention: RETENTION, forceRecovery: true });
const TOLD = namespaceRules({ joinLeave: true });
const ALL_TOLD = namespaceRules({ joinLeave: true, forceJoinLeave: true });
const EVERYTHING = {
  recoverable: true,
  positioned: true,
  joinLeave: true,
  delta: true,
};

type Case = readonly [string, Namespace, SubscriptionWishes, Partial<GrantedWishes>];

describe("grantWishes()", () => {
  test("grants nothing where the namespace has nothing", () => {
    expect(grantWishes(CLOSED, EVERYTHING)).toEqual({
      recoverable: false,
      positioned: false,
      joinLeave: false,
      announced: false,
      presence: false,
      delta: false,
    });
  });

  test.each<Case>([
    ["no position unasked", KEPT, {}, { recoverable: false, positioned: false }],
    ["recovery on request", KEPT, { recoverable: true }, { recoverable: true, positioned: true }],
    ["a position on request", KEPT, { positioned: true }, { recoverable: false, positioned: true }],
    ["recovery to all where it is forced", FORCED, {}, { recoverable: true, positioned: true }],
    ["joins on request", TOLD, { joinLeave: true }, { joinLeave: true, announced: true }],
    ["no joins unasked", TOLD, {}, { joinLeave: false, announced: true }],
    ["joins to all where they are forced", ALL_TOLD, {}, { joinLeave: true }],
    ["presence", namespaceRules({ presence: true }), {}, { presence: true }],
    ["differences on request", namespaceRules({ delta: true }), { delta: true }, { delta: true }],
    ["no differences unasked", namespaceRules({ delta: true }), {}, { delta: false }],
  ])("grants %s", (...[, rules, wishes, granted]) => {
    expect(grantWishes(rules, wishes)).toMatchObject(granted);
  });

  test.each<Case>([
    [
      "recovery",
      KEPT,
      { override: { forceRecovery: true } },
      { recoverable: true, positioned: true },
    ],
    ["no recovery", FORCED, { override: { forceRecovery: false } }, { recoverable: false }],
    [
      "no recovery where nothing is kept",
      CLOSED,
      { override: { forceRecovery: true, forcePositioning: true } },
      { recoverable: false, positioned: false },
    ],
    [
      "a position",
      KEPT,
      { override: { forcePositioning: true } },
      { recoverable: false, positioned: true },
    ],
    ["presence", CLOSED, { override: { presence: true } }, { presence: true }],
    [
      "no presence",
      namespaceRules({ presence: true }),
      { override: { presence: false } },
      { presence: false },
    ],
    [
      "that others hear of it",
      CLOSED,
      { joinLeave: true, override: { joinLeave: true } },
      { announced: true, joinLeave: true },
    ],
    [
      "that nobody hears of it",
      ALL_TOLD,
      { joinLeave: true, override: { joinLeave: false } },
      { announced: false, joinLeave: false },
    ],
    [
      "that it hears of others",
      TOLD,
      { override: { forcePushJoinLeave: true } },
      { joinLeave: true },
    ],
    [
      "that it need not hear of others",
      ALL_TOLD,
      { override: { forcePushJoinLeave: false } },
      { joinLeave: false, announced: true },
    ],
  ])("lets credentials override: %s", (...[, rules, wishes, granted]) => {
    expect(grantWishes(rules, wishes)).toMatchObject(granted);
  });
});
