import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockForServing } from "../../src/engine/sqlite/serving-lock.ts";

const NOBODY = 65_534;

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

  test("does not take a lock file that it may only read for one that it holds", async () => {
    const file = join(directory, "e", "posthorn.db");
    lockForServing(file)[Symbol.dispose]();
    await chmod(`${file}.serving`, 0o444);
    // Root may write whatever the mode says, so somebody else asks where it is root that tests.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(join(directory, "e"), NOBODY, NOBODY);
    await chmod(directory, 0o755);
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      expect(() => lockForServing(file)[Symbol.dispose]()).toThrow("readonly");
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test("leaves other stores alone", () => {
    using _one = lockForServing(join(directory, "c", "posthorn.db"));
    expect(() =>
      lockForServing(join(directory, "d", "posthorn.db"))[Symbol.dispose](),
    ).not.toThrow();
  });
});
