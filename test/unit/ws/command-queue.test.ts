import { describe, expect, test } from "bun:test";
import { type Command, decodeClientFrame } from "../../../src/protocol/client-frame.ts";
import { CommandQueue } from "../../../src/ws/command-queue.ts";
import { LIMITS } from "../../support/gateway-world.ts";

const BOUNDS = { ...LIMITS, commandsBurst: 2, frameMaxBytes: 100 };

function commands(count: number): Command[] {
  const lines = Array.from({ length: count }, (_, n) => `{"id":${n + 1},"rpc":{"method":"m"}}`);
  return decodeClientFrame(lines.join("\n")).filter((line) => line !== "pong");
}

describe("CommandQueue", () => {
  test("gives commands in the order they came", () => {
    const queue = new CommandQueue(BOUNDS);
    const three = commands(3);
    queue.push(three.slice(0, 2), 10);
    queue.push(three.slice(2), 10);
    expect([1, 2, 3].map(() => queue.shift())).toEqual(three);
    expect(queue.shift()).toBeUndefined();
  });

  test("is overfull with more than two bursts of commands", () => {
    const queue = new CommandQueue(BOUNDS);
    queue.push(commands(4), 4);
    expect(queue.isOverfull).toBe(false);
    queue.push(commands(1), 1);
    expect(queue.isOverfull).toBe(true);
    queue.shift();
    expect(queue.isOverfull).toBe(false);
  });

  test("is overfull with more text than sixteen of the largest frames", () => {
    const queue = new CommandQueue({ ...BOUNDS, commandsBurst: 1000 });
    for (let frame = 0; frame < 16; frame += 1) queue.push(commands(3), 100);
    expect(queue.isOverfull).toBe(false);
    queue.push(commands(1), 1);
    expect(queue.isOverfull).toBe(true);
    for (let taken = 0; taken < 3; taken += 1) queue.shift();
    expect(queue.isOverfull).toBe(false);
  });

  test("counts nothing for a frame without commands, and nothing once it is cleared", () => {
    const queue = new CommandQueue(BOUNDS);
    for (let frame = 0; frame < 100; frame += 1) queue.push([], 100);
    expect(queue.isOverfull).toBe(false);
    queue.push(commands(5), 10_000);
    queue.clear();
    expect([queue.isOverfull, queue.shift()]).toEqual([false, undefined]);
  });
});
