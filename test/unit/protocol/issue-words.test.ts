import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { CommandBody, CommandResultBody } from "../../../src/protocol/command-body.ts";
import { EventBody } from "../../../src/protocol/event-body.ts";
import { wordsOf } from "../../../src/protocol/issue-words.ts";
import { SessionBody } from "../../../src/protocol/login-body.ts";
import { TicketBody } from "../../../src/protocol/ticket-body.ts";

function words(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  if (error === undefined) throw new Error("Cannot find what is wrong: nothing is");
  return wordsOf(error, value, schema);
}

const COMMAND_KEYS = Object.keys(CommandBody.shape).join(", ");
const DEEP = z.strictObject({
  list: z.array(z.number()).optional(),
  inner: z.strictObject({ a: z.unknown(), b: z.number().optional() }).optional(),
  alone: z.strictObject({ only: z.unknown() }).optional(),
  packed: z.base64().optional(),
  above: z.number().gt(1).lt(3).optional(),
  mode: z.enum(["fast", "slow"]).optional(),
  headers: z.record(z.string(), z.boolean()).optional(),
});

describe("wordsOf() tells the place, what is there and what was wanted", () => {
  test.each<readonly [schema: z.ZodType, value: unknown, words: string]>([
    [CommandBody, { type: "a", wait: 99 }, "wait: got 99, wanted at most 50"],
    [CommandBody, { type: "a", wait: "1" }, 'wait: got "1", wanted a number'],
    [CommandBody, { type: "a", ttl: 1.5 }, "ttl: got 1.5, wanted a whole number"],
    [CommandBody, { type: "a", ttl: 0 }, "ttl: got 0, wanted at least 1"],
    [CommandBody, {}, "type: got nothing, wanted a string"],
    [CommandBody, { type: null }, "type: got null, wanted a string"],
    [CommandBody, { type: "" }, 'type: got "", wanted at least 1 character'],
    [CommandBody, { type: "a\n" }, 'type: got "a\\n", wanted no control characters'],
    [CommandBody, { type: "\ud800" }, 'type: got "\\ud800", wanted whole characters'],
    [
      CommandBody,
      { type: "x".repeat(129) },
      `type: got "${"x".repeat(60)}…" of 129 characters, wanted at most 128 characters`,
    ],
    [
      CommandBody,
      { type: "a", bogus: 1 },
      `got the unknown key "bogus", wanted one of ${COMMAND_KEYS}`,
    ],
    [
      CommandBody,
      { type: "a", a: 1, b: 2, c: 3, d: 4, e: 5 },
      `got the unknown keys "a", "b", "c" and 2 more, wanted one of ${COMMAND_KEYS}`,
    ],
    [CommandBody, [], "the whole: got a list of 0, wanted an object"],
    [CommandBody, null, "the whole: got null, wanted an object"],
    [CommandBody, "type", "the whole: got a string of 4 characters, wanted an object"],
    [CommandResultBody, {}, "ok: got nothing, wanted true or false"],
    [CommandResultBody, { ok: "yes" }, 'ok: got "yes", wanted true or false'],
    [
      CommandResultBody,
      { ok: true, error: {} },
      'got the unknown key "error", wanted one of ok, data',
    ],
    [
      CommandResultBody,
      { ok: false, error: { code: "a", message: "b", more: 1 } },
      'error: got the unknown key "more", wanted one of code, message',
    ],
    [
      EventBody,
      { type: "a", time: {} },
      "time: got an object of 0 keys, wanted a number or a string",
    ],
    [TicketBody, { user: "a", channels: "b" }, 'channels: got "b", wanted a list'],
    [
      TicketBody,
      { user: "a", channels: Array(1001).fill("c") },
      "channels: got a list of 1001, wanted at most 1000 items",
    ],
    [TicketBody, { user: "a", commands: { d: [7] } }, "commands.d.0: got 7, wanted a string"],
    [DEEP, { alone: { only: 1, x: 1 } }, 'alone: got the unknown key "x", wanted only'],
    [DEEP, { inner: { a: 1, x: 1 } }, 'inner: got the unknown key "x", wanted one of a, b'],
    [DEEP, { alone: {} }, "alone.only: got nothing, wanted any JSON"],
    [DEEP, { packed: "!" }, 'packed: got "!", wanted base64'],
    [DEEP, { above: 1 }, "above: got 1, wanted more than 1"],
    [DEEP, { above: 3 }, "above: got 3, wanted less than 3"],
    [DEEP, { mode: "brisk" }, 'mode: got "brisk", wanted "fast" or "slow"'],
    [
      DEEP,
      { list: ["a"], mode: 1 },
      'list.0: got "a", wanted a number; mode: got 1, wanted "fast" or "slow"',
    ],
  ])("%#: %p", (...[schema, value, expected]) => {
    expect(words(schema, value)).toBe(expected);
  });

  test("one place is told once with all that was wanted there", () => {
    expect(words(CommandBody, { type: `${"a".repeat(128)}\n` })).toEndWith(
      "of 129 characters, wanted no control characters and at most 128 characters",
    );
  });

  test("a list that is wrong all over is told in part", () => {
    const told = words(DEEP, { list: Array(1000).fill("a") });
    expect(told).toContain("list.7: ");
    expect(told).not.toContain("list.8: ");
    expect(told).toEndWith("; and 992 more");
  });
});

describe("what may be a secret is not quoted", () => {
  test.each<readonly [schema: z.ZodType, value: unknown, words: string]>([
    [CommandBody, { type: "a", key: "canary\n" }, "key: got a string of 7 characters"],
    [CommandBody, { type: "a", key: 4711 }, "key: got a number"],
    [
      SessionBody,
      { session: "canary".repeat(10_000) },
      "session: got a string of 60000 characters",
    ],
    [SessionBody, "canary", "the whole: got a string of 6 characters"],
    [DEEP, { headers: { authorization: "canary" } }, "got a string of 6 characters"],
  ])("%#", (...[schema, value, expected]) => {
    const told = words(schema, value);
    expect(told).toContain(expected);
    expect(told).not.toMatch(/canary|4711/);
  });
});
