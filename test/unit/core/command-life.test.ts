import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type CommandRecord,
  type CommandStatus,
  enqueueCommand,
  isFinal,
  parseCommandId,
} from "../../../src/core/command.ts";
import {
  type CommandInput,
  dueAtMs,
  refusalFault,
  transition,
} from "../../../src/core/command-life.ts";
import { encodeResult, missingResult } from "../../../src/core/command-result.ts";
import { commandEvent } from "../../../src/core/command-text.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";

const TTL_MS = 60_000;
const LEASE_MS = 30_000;
const RESULT_MS = 100_000;
const DONE = encodeResult({ ok: true, data: "1.0" });
const FAILED = encodeResult({ ok: false, error: { code: "jammed", message: "door" } });

const queued = enqueueCommand(
  {
    device: parseDeviceId("kiosk-1"),
    type: "open",
    data: "{}",
    sender: { kind: "backend" },
    ttlMs: TTL_MS,
  },
  { id: parseCommandId("c-1"), nowMs: 0 },
);

function lease(nowMs: number, receiver = "poll-1"): CommandInput {
  return { kind: "lease", nowMs, receiver, leaseMs: LEASE_MS };
}
function ack(nowMs: number): CommandInput {
  return { kind: "ack", nowMs, resultTimeoutMs: RESULT_MS };
}
function settle(nowMs: number, result = DONE): CommandInput {
  return { kind: "settle", nowMs, result };
}
const giveBack = (nowMs: number, receiver = "poll-1"): CommandInput => ({
  ...{ kind: "giveBack", nowMs, receiver },
});
const cancel = (nowMs: number): CommandInput => ({ kind: "cancel", nowMs });
function tick(nowMs: number): CommandInput {
  return { kind: "tick", nowMs, leaseMs: LEASE_MS, resultTimeoutMs: RESULT_MS };
}

/** The command after each of the moves, all of which have to change it. */
function after(...inputs: readonly CommandInput[]): CommandRecord {
  return onward(queued, ...inputs);
}

function onward(from: CommandRecord, ...inputs: readonly CommandInput[]): CommandRecord {
  return inputs.reduce<CommandRecord>((record, input) => {
    const outcome = transition(record, input);
    if ("changed" in outcome) return outcome.changed;
    throw new Error(`Cannot prepare: ${input.kind} did not change ${record.status}`);
  }, from);
}

const leased = after(lease(1_000));
const lapsed = after(lease(1_000), tick(31_000));
const acked = after(lease(1_000), ack(2_000));
const done = after(lease(1_000), settle(3_000));
const failed = after(lease(1_000), settle(3_000, FAILED));
const expired = after(tick(TTL_MS));
const canceled = after(cancel(500));

const RECORDS = { queued, lapsed, leased, acked, done, failed, expired, canceled };

describe("transition()", () => {
  /** From each record by each move at 40 s: the new status, "=" for unchanged, or the refusal. */
  test.each<[keyof typeof RECORDS, CommandInput, CommandStatus | "=" | `command_${string}`]>([
    ["queued", lease(40_000), "leased"],
    ["queued", ack(40_000), "command_undelivered"],
    ["queued", settle(40_000), "command_undelivered"],
    ["queued", giveBack(40_000), "="],
    ["queued", cancel(40_000), "canceled"],
    ["queued", tick(40_000), "="],
    ["queued", tick(TTL_MS), "expired"],
    ["queued", lease(TTL_MS), "="],

    ["lapsed", lease(40_000), "leased"],
    ["lapsed", ack(40_000), "acked"],
    ["lapsed", settle(40_000), "done"],
    ["lapsed", settle(40_000, FAILED), "failed"],
    ["lapsed", cancel(40_000), "canceled"],
    ["lapsed", tick(TTL_MS), "expired"],

    ["leased", lease(20_000), "="],
    ["leased", giveBack(1_001), "queued"],
    ["leased", giveBack(1_001, "poll-2"), "="],
    ["leased", ack(20_000), "acked"],
    ["leased", settle(20_000), "done"],
    ["leased", settle(20_000, FAILED), "failed"],
    ["leased", cancel(20_000), "command_leased"],
    ["leased", tick(30_999), "="],
    ["leased", tick(31_000), "queued"],
    ["leased", tick(TTL_MS), "expired"],
    // The store is behind with its sweep: the device is believed.
    ["leased", ack(TTL_MS + 1), "acked"],
    ["leased", settle(TTL_MS + 1), "done"],
    ["lapsed", settle(TTL_MS + 1), "done"],

    ["acked", lease(40_000), "="],
    ["acked", giveBack(40_000), "="],
    ["acked", ack(40_000), "="],
    ["acked", settle(40_000), "done"],
    ["acked", settle(40_000, FAILED), "failed"],
    ["acked", cancel(40_000), "command_acked"],
    ["acked", tick(TTL_MS), "="],
    ["acked", tick(101_999), "="],
    ["acked", tick(102_000), "failed"],

    ["done", lease(40_000), "="],
    ["done", giveBack(40_000), "="],
    ["done", ack(40_000), "="],
    ["done", settle(40_000), "="],
    ["done", settle(40_000, FAILED), "command_settled"],
    ["done", settle(40_000, encodeResult({ ok: true, data: "2" })), "command_settled"],
    ["done", cancel(40_000), "command_settled"],
    ["done", tick(1e12), "="],

    ["failed", lease(40_000), "="],
    ["failed", ack(40_000), "="],
    ["failed", settle(40_000, FAILED), "="],
    ["failed", settle(40_000), "command_settled"],
    ["failed", cancel(40_000), "command_settled"],
    ["failed", tick(1e12), "="],

    ["expired", lease(40_000), "="],
    ["expired", ack(40_000), "command_settled"],
    ["expired", settle(40_000), "command_settled"],
    ["expired", cancel(40_000), "command_settled"],
    ["expired", tick(1e12), "="],

    ["canceled", lease(40_000), "="],
    ["canceled", ack(40_000), "command_settled"],
    ["canceled", settle(40_000), "command_settled"],
    ["canceled", cancel(40_000), "="],
    ["canceled", tick(1e12), "="],
  ])("answers %s + %j with %s", (from, input, expected) => {
    const outcome = transition(RECORDS[from], input);
    if ("changed" in outcome) expect<string>(outcome.changed.status).toBe(expected);
    else if ("refused" in outcome) expect<string>(outcome.refused).toBe(expected);
    else {
      expect(expected).toBe("=");
      expect(outcome).toEqual({ unchanged: RECORDS[from] });
    }
  });

  test("counts each delivery, and notes who got it until when", () => {
    expect(leased).toMatchObject({ attempt: 1, receiver: "poll-1", leaseUntilMs: 31_000 });
    const again = transition(lapsed, lease(40_000, "stream-7"));
    expect(again).toMatchObject({ changed: { attempt: 2, receiver: "stream-7" } });
  });

  test("ends a lease with the ttl at the latest", () => {
    expect(after(lease(59_000)).leaseUntilMs).toBe(TTL_MS);
    expect(after(lease(59_000), tick(TTL_MS)).status).toBe("expired");
  });

  test("keeps a command that was delivered once apart from one that never was", () => {
    expect(lapsed).toEqual({ ...queued, attempt: 1 });
  });

  test("keeps counting a delivery that was given back", () => {
    expect(after(lease(1_000), giveBack(1_001))).toEqual(lapsed);
  });

  test("takes the result of an earlier delivery while a later one is under way", () => {
    const second = after(lease(1_000), tick(31_000), lease(32_000, "stream-7"));
    expect(transition(second, settle(33_000))).toMatchObject({
      changed: { status: "done", attempt: 2, result: DONE.text },
    });
  });

  test("does not let a repeated ack win time", () => {
    expect(acked.resultUntilMs).toBe(102_000);
    expect(transition(acked, ack(50_000))).toEqual({ unchanged: acked });
  });

  test("says that the result is missing when the device is never heard of again", () => {
    const lost = after(lease(1_000), ack(2_000), tick(102_000));
    expect(lost).toMatchObject({ status: "failed", result: missingResult().text });
  });

  test("drops what belongs to the delivery once the command has an end", () => {
    expect(done).toEqual({
      ...queued,
      attempt: 1,
      status: "done",
      finishedAtMs: 3_000,
      result: DONE.text,
    });
  });

  describe("after the clock was set back", () => {
    const DAY_MS = 86_400_000;
    const leasedThen = after(lease(1_000));
    const ackedThen = after(lease(1_000), ack(2_000));

    test.each([
      ["to before it began, by an hour", -3_600_000],
      ["by a day", -DAY_MS],
      ["by more than the slack", -100],
    ])("a lease lasts no longer than one that begins now: %s", (_, nowMs) => {
      const outcome = transition(leasedThen, tick(nowMs));
      expect(outcome).toEqual({ adjusted: { ...leasedThen, leaseUntilMs: nowMs + LEASE_MS } });
      if (!("adjusted" in outcome)) return;
      expect(transition(outcome.adjusted, tick(nowMs + LEASE_MS - 1))).toHaveProperty("unchanged");
      expect(transition(outcome.adjusted, tick(nowMs + LEASE_MS))).toMatchObject({
        changed: { status: "queued" },
      });
    });

    test("a lease stays as it is that is at most the slack too long", () => {
      expect(transition(leasedThen, tick(0))).toEqual({ unchanged: leasedThen });
    });

    test("the wait for a result is no longer than one that begins now", () => {
      expect(transition(ackedThen, tick(-DAY_MS))).toEqual({
        adjusted: { ...ackedThen, resultUntilMs: RESULT_MS - DAY_MS },
      });
      expect(transition(ackedThen, tick(1_000))).toEqual({ unchanged: ackedThen });
    });

    test.each([["queued"], ["done"], ["failed"], ["expired"], ["canceled"]] as const)(
      "a command that is %s stays as it is",
      (status) => {
        expect(transition(RECORDS[status], tick(-DAY_MS))).toEqual({ unchanged: RECORDS[status] });
      },
    );
  });

  describe("with a bound on its attempts", () => {
    const twice: CommandRecord = { ...queued, maxAttempts: 2 };
    const once = onward(twice, lease(0), tick(LEASE_MS));
    const second = onward(once, lease(LEASE_MS));

    test("a command is queued again while it has attempts left", () => {
      expect(once).toMatchObject({ status: "queued", attempt: 1 });
    });

    test("a command fails when the lease of its last attempt is over", () => {
      const third = { ...second, expiresAtMs: 1e9 };
      expect(transition(third, tick(2 * LEASE_MS - 1))).toEqual({ unchanged: third });
      expect(transition(third, tick(2 * LEASE_MS))).toEqual({
        changed: {
          ...twice,
          ...{ attempt: 2, expiresAtMs: 1e9, status: "failed", finishedAtMs: 2 * LEASE_MS },
          result:
            '{"ok":false,"error":{"code":"attempts_exhausted","message":"The device acknowledged none of 2 deliveries"}}',
        },
      });
    });

    test("a command expires whose last attempt was cut short by its ttl", () => {
      expect(transition({ ...second, leaseUntilMs: TTL_MS }, tick(TTL_MS))).toMatchObject({
        changed: { status: "expired" },
      });
    });

    test("a command fails also where the tick comes after its ttl", () => {
      const shorter = { ...second, leaseUntilMs: TTL_MS - 1 };
      expect(transition(shorter, tick(10 * TTL_MS))).toMatchObject({
        changed: { status: "failed" },
      });
    });

    test("the last attempt counts when it is acknowledged in time", () => {
      const acknowledged = onward(second, ack(LEASE_MS + 1));
      expect(transition(acknowledged, tick(LEASE_MS + RESULT_MS))).toEqual({
        unchanged: acknowledged,
      });
    });
  });

  const anyInput: fc.Arbitrary<CommandInput> = fc
    .tuple(
      fc.constantFrom("lease", "giveBack", "ack", "done", "failed", "cancel", "tick"),
      fc.nat(200_000),
    )
    .map(([kind, nowMs]) => {
      if (kind === "lease") return lease(nowMs);
      if (kind === "giveBack") return giveBack(nowMs);
      if (kind === "ack") return ack(nowMs);
      if (kind === "cancel") return cancel(nowMs);
      if (kind === "tick") return tick(nowMs);
      return settle(nowMs, kind === "done" ? DONE : FAILED);
    });

  function expectKeptPromises(before: CommandRecord, next: CommandRecord, input: CommandInput) {
    expect(isFinal(before.status)).toBe(false);
    expect(next.attempt - before.attempt).toBe(input.kind === "lease" ? 1 : 0);
    expect(next.receiver !== undefined).toBe(next.status === "leased");
    expect(next.leaseUntilMs !== undefined).toBe(next.status === "leased");
    expect(next.resultUntilMs !== undefined).toBe(next.status === "acked");
    expect(next.finishedAtMs !== undefined).toBe(isFinal(next.status));
    expect(next.result !== undefined).toBe(["done", "failed"].includes(next.status));
    expect(dueAtMs(next) === undefined).toBe(isFinal(next.status));
    // Whatever is repeated at once is not refused.
    expect(transition(next, input)).not.toHaveProperty("refused");
  }

  test("keeps its promises whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), (inputs) => {
        let record: CommandRecord = queued;
        const eventIds = [commandEvent(record, 0).id];
        for (const input of inputs.toSorted((a, b) => a.nowMs - b.nowMs)) {
          const outcome = transition(record, input);
          if (!("changed" in outcome)) continue;
          expectKeptPromises(record, outcome.changed, input);
          record = outcome.changed;
          eventIds.push(commandEvent(record, input.nowMs).id);
        }
        expect(new Set(eventIds).size).toBe(eventIds.length);
      }),
    );
  });
});

describe("dueAtMs()", () => {
  test.each<[keyof typeof RECORDS, number | undefined]>([
    ["queued", TTL_MS],
    ["lapsed", TTL_MS],
    ["leased", 31_000],
    ["acked", 102_000],
    ["done", undefined],
    ["failed", undefined],
    ["expired", undefined],
    ["canceled", undefined],
  ])("is when time alone changes a command that is %s", (status, dueMs) => {
    const record = RECORDS[status];
    expect(dueAtMs(record)).toBe(dueMs);
    if (dueMs === undefined) return;
    expect(transition(record, tick(dueMs - 1))).toHaveProperty("unchanged");
    expect(transition(record, tick(dueMs))).toHaveProperty("changed");
  });
});

test("refusalFault() says which command is in the way of itself and why", () => {
  const outcome = transition(leased, cancel(2_000));
  if (!("refused" in outcome)) throw new Error("Cannot test: it was not refused");
  const fault = refusalFault(outcome);
  expect(fault.code).toBe("command_leased");
  expect(fault.message).toBe(
    'Cannot change command: command "c-1" is being delivered to its device',
  );
});
