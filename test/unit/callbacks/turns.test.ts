import { describe, expect, test } from "bun:test";
import { createTurns } from "../../../src/callbacks/turns.ts";

/** Tasks that end when a test says so. */
class Tasks {
  /** The names of those that began, in order. */
  readonly begun: string[] = [];
  readonly #begins = new Map<string, PromiseWithResolvers<void>>();
  readonly #ends = new Map<string, PromiseWithResolvers<void>>();

  make(name: string): () => Promise<string> {
    const begin = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    this.#begins.set(name, begin);
    this.#ends.set(name, end);
    return async () => {
      this.begun.push(name);
      begin.resolve();
      await end.promise;
      return name;
    };
  }

  end(name: string): void {
    this.#ends.get(name)?.resolve();
  }

  hasBegun(name: string): Promise<void> | undefined {
    return this.#begins.get(name)?.promise;
  }
}

describe("createTurns()", () => {
  test("lets only so many run, the others in the order in which they came", async () => {
    const turns = createTurns({ runningMax: 2, waitingMax: 9 });
    const tasks = new Tasks();
    const all = ["a", "b", "c", "d"].map((name) => turns.take(tasks.make(name)));
    await tasks.hasBegun("b");
    expect(tasks.begun).toEqual(["a", "b"]);
    tasks.end("b");
    await tasks.hasBegun("c");
    expect(tasks.begun).toEqual(["a", "b", "c"]);
    const late = turns.take(tasks.make("late"));
    tasks.end("a");
    await tasks.hasBegun("d");
    expect(tasks.begun).toEqual(["a", "b", "c", "d"]);
    for (const name of ["c", "d", "late"]) tasks.end(name);
    expect(await Promise.all([...all, late])).toEqual(["a", "b", "c", "d", "late"]);
  });

  test("refuses whoever would have to wait behind too many, and takes others later", async () => {
    const turns = createTurns({ runningMax: 1, waitingMax: 1 });
    const tasks = new Tasks();
    const first = turns.take(tasks.make("a"));
    const second = turns.take(tasks.make("b"));
    const refused: unknown = await turns.take(tasks.make("c")).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "backend_busy" });
    tasks.end("a");
    expect(await first).toBe("a");
    const third = turns.take(tasks.make("d"));
    tasks.end("b");
    tasks.end("d");
    expect(await Promise.all([second, third])).toEqual(["b", "d"]);
    expect(tasks.begun).toEqual(["a", "b", "d"]);
  });

  test("goes on after a task that failed", async () => {
    const turns = createTurns({ runningMax: 1, waitingMax: 1 });
    const failing = turns.take(() => Promise.reject(new Error("Cannot do it")));
    const next = turns.take(async () => "next");
    expect(await failing.catch(String)).toBe("Error: Cannot do it");
    expect(await next).toBe("next");
    expect(await turns.take(async () => "later")).toBe("later");
  });
});
