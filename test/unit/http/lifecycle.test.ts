import { describe, expect, test } from "bun:test";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import { settled } from "../../support/gateway-world.ts";

describe("createLifecycle()", () => {
  test("takes work until the server drains", () => {
    const lifecycle = createLifecycle();
    expect(() => lifecycle.checkServing()).not.toThrow();
    lifecycle.startDraining();
    expect(() => lifecycle.checkServing()).toThrow("Cannot start new work: the server shuts down");
  });

  test("gives back what the work gives, and what it throws", async () => {
    const lifecycle = createLifecycle();
    expect(await lifecycle.track(Promise.resolve(7))).toBe(7);
    await expect(lifecycle.track(Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    await lifecycle.idle();
  });

  test("is idle when the last work is done, however it ended", async () => {
    const lifecycle = createLifecycle();
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const tracked = [lifecycle.track(one.promise), lifecycle.track(two.promise)];
    let isIdle = false;
    const idle = lifecycle.idle().then(() => {
      isIdle = true;
    });
    one.resolve();
    await settled();
    expect(isIdle).toBe(false);
    two.reject(new Error("lost"));
    await Promise.allSettled(tracked);
    await idle;
    expect(isIdle).toBe(true);
  });
});
