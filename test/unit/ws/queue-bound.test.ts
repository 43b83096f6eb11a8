import { describe, expect, test } from "bun:test";
import { QueueBound } from "../../../src/ws/queue-bound.ts";

describe("QueueBound", () => {
  test("is exceeded by more than its bytes", () => {
    const bound = new QueueBound(100);
    expect(bound.isExceededBy(100)).toBe(false);
    expect(bound.isExceededBy(101)).toBe(true);
  });

  test("lets a long answer wait, and what comes behind it up to the bound", () => {
    const bound = new QueueBound(100);
    bound.sent("x".repeat(500));
    expect(bound.isExceededBy(600)).toBe(false);
    expect(bound.isExceededBy(601)).toBe(true);
  });

  test("counts bytes, not characters", () => {
    const bound = new QueueBound(100);
    bound.sent("消".repeat(100));
    expect(bound.isExceededBy(400)).toBe(false);
    expect(bound.isExceededBy(401)).toBe(true);
  });

  test("is as narrow as ever once the long answer has left", () => {
    const bound = new QueueBound(100);
    bound.sent("x".repeat(500));
    expect(bound.isExceededBy(80)).toBe(false);
    expect(bound.isExceededBy(101)).toBe(true);
  });

  test("is not widened by frames that fit", () => {
    const bound = new QueueBound(100);
    for (let n = 0; n < 100; n += 1) bound.sent("x".repeat(100));
    expect(bound.isExceededBy(101)).toBe(true);
  });
});
