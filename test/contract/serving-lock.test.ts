import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockForServing } from "../../src/engine/sqlite/serving-lock.ts";

describe("lockForServing()", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "posthorn-lock-"));
  });

  afterAll(() => rm(directory, { recursive: true }));

  test("keeps a second server off the same store, and says which", () => {
    const file = join(directory, "a", "posthorn.db");
    using _held = lockForServing(file);
    expect(() => lockForServing(file)).toThrow(`Cannot serve ${file}: another server serves it`);
  });

  test("lets the next one in when the first is done", () => {
    const file = join(directory, "b", "posthorn.db");
    lockForServing(file)[Symbol.dispose]();
    using _again = lockForServing(file);
    expect(() => lockForServing(file)).toThrow("another server");
  });

  test("leaves other stores alone", () => {
    using _one = lockForServing(join(directory, "c", "posthorn.db"));
    expect(() =>
      lockForServing(join(directory, "d", "posthorn.db"))[Symbol.dispose](),
    ).not.toThrow();
  });
});
