import { describe, expect, test } from "bun:test";
import {
  type CommandRequest,
  differenceOf,
  enqueueCommand,
  parseCommandId,
} from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";

const MADE = { id: parseCommandId("c-1"), nowMs: 1_000 };

const REQUEST: CommandRequest = {
  device: parseDeviceId("kiosk-1"),
  type: "open",
  data: '{"door":1.0}',
  sender: { kind: "backend" },
};

describe("enqueueCommand()", () => {
  test("makes a queued command that nobody has got yet", () => {
    expect(enqueueCommand(REQUEST, MADE)).toEqual({
      id: MADE.id,
      device: REQUEST.device,
      type: "open",
      data: '{"door":1.0}',
      sender: { kind: "backend" },
      priority: 0,
      status: "queued",
      attempt: 0,
      createdAtMs: 1_000,
      expiresAtMs: 1_000 + LIMITS.commandTtlMs,
    });
  });

  test("keeps key, priority and ttl when they are given", () => {
    const request = { ...REQUEST, key: "k", priority: 9, ttlMs: 5_000 };
    expect(enqueueCommand(request, MADE)).toMatchObject({
      key: "k",
      priority: 9,
      expiresAtMs: 6_000,
    });
  });

  test("keeps a bound on its deliveries, and has none by default", () => {
    expect(enqueueCommand({ ...REQUEST, maxAttempts: 3 }, MADE).maxAttempts).toBe(3);
    expect(enqueueCommand(REQUEST, MADE)).not.toHaveProperty("maxAttempts");
  });

  test.each<[string, Partial<CommandRequest>]>([
    ["no attempts", { maxAttempts: 0 }],
    ["more attempts than there may be", { maxAttempts: LIMITS.commandAttemptsMax + 1 }],
    ["half an attempt", { maxAttempts: 1.5 }],
    ["an empty type", { type: "" }],
    ["a long type", { type: "t".repeat(LIMITS.commandTypeMaxChars + 1) }],
    ["a type with a line break", { type: "a\nb" }],
    ["an empty key", { key: "" }],
    ["a long key", { key: "k".repeat(LIMITS.commandKeyMaxChars + 1) }],
    ["too much data", { data: `"${"d".repeat(LIMITS.eventMaxBytes)}"` }],
    ["too much data in bytes", { data: `"${"é".repeat(LIMITS.eventMaxBytes / 2)}"` }],
    ["half a character in its type", { type: "open\ud800" }],
    ["half a character in its key", { key: "\udc00" }],
    ["a priority below 0", { priority: -1 }],
    ["a priority above the highest", { priority: LIMITS.commandPriorityMax + 1 }],
    ["a priority between two", { priority: 0.5 }],
    ["a ttl that is too short", { ttlMs: LIMITS.commandTtlMinMs - 1 }],
    ["a ttl that is too long", { ttlMs: LIMITS.commandTtlMaxMs + 1 }],
    ["a ttl that is no number", { ttlMs: Number.NaN }],
  ])("refuses %s", (_, part) => {
    expect(() => enqueueCommand({ ...REQUEST, ...part }, MADE)).toThrow(
      expect.objectContaining({ code: "command_invalid" }),
    );
  });
});

describe("differenceOf()", () => {
  const said = { ttlMs: 60_000, priority: 3, maxAttempts: 2 };
  const earlier = enqueueCommand({ ...REQUEST, ...said, key: "k" }, MADE);

  test("is nothing where the same is asked for again, whatever became of it", () => {
    const settled = { ...earlier, status: "done" as const, attempt: 3, result: '{"ok":true}' };
    expect(differenceOf(settled, { ...REQUEST, ...said, key: "k" })).toBeUndefined();
  });

  test("is nothing where the later request leaves out what it need not say", () => {
    expect(differenceOf(earlier, { ...REQUEST, key: "k" })).toBeUndefined();
    expect(differenceOf(earlier, { ...REQUEST, key: "k", priority: 3 })).toBeUndefined();
  });

  test("is nothing where only the ttl is another: that of the first stands", () => {
    expect(differenceOf(earlier, { ...REQUEST, ttlMs: 2_000, key: "k" })).toBeUndefined();
  });

  test.each<[string, Partial<CommandRequest>]>([
    ["type", { type: "close" }],
    ["data", { data: '{"door":1}' }],
    ["priority", { priority: 0 }],
    ["max_attempts", { maxAttempts: 1 }],
  ])("names the %s where it is another", (name, part) => {
    expect(differenceOf(earlier, { ...REQUEST, ...part })).toBe(name);
  });

  test("is what a request says of which the earlier one said nothing", () => {
    const plain = enqueueCommand({ ...REQUEST, key: "k" }, MADE);
    expect(differenceOf(plain, { ...REQUEST, maxAttempts: 1 })).toBe("max_attempts");
  });
});

describe("parseCommandId()", () => {
  test("accepts a UUID", () => {
    const id = "01998f2c-7d1e-7cc3-98c4-dc0c0c07398f";
    expect(String(parseCommandId(id))).toBe(id);
  });

  test.each(["", "-a", "a b", "../x", "ä", "x".repeat(65)])("knows no command %j", (text) => {
    expect(() => parseCommandId(text)).toThrow(
      expect.objectContaining({ code: "command_unknown" }),
    );
  });
});
