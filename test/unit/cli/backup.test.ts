import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { chmod, chown, link, mkdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isThere } from "../../../src/cli/is-there.ts";
import { giveToOwner, makePrivateDirectory } from "../../../src/engine/sqlite/owners.ts";
import { Workspace } from "../../support/workspace.ts";
import { Terminal } from "./terminal.ts";

const STORE = "data/posthorn.db";
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

/** A directory with a store that has a device in it. */
async function openSite(): Promise<Terminal> {
  const terminal = await Terminal.open();
  await terminal.run("device", "add", "42");
  return terminal;
}

describe("posthorn backup", () => {
  test.each([
    STORE,
    `${STORE}-wal`,
    `${STORE}-shm`,
    `${STORE}.serving`,
    "data/posthorn.control",
    "data/../data/posthorn.db",
    "same-directory/posthorn.db",
    "link.db",
    "hard-link.db",
  ])("never takes the place of what belongs to the store: %s", async (name) => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    const store = workspace.file(STORE);
    await symlink(workspace.file("data"), workspace.file("same-directory"));
    await symlink(store, workspace.file("link.db"));
    await link(store, workspace.file("hard-link.db"));
    const before = await stat(store);
    for (const more of [[], ["--force"]]) {
      const { code, stderr } = await terminal.run("backup", name, ...more);
      const refused = `: it belongs to the store itself, choose another name\n`;
      expect([code, stderr]).toEqual([1, expect.stringContaining(refused)]);
    }
    expect((await stat(store)).ino).toBe(before.ino);
    expect((await terminal.run("device", "list")).stdout).toStartWith("42 ");
  });

  test("takes the place of nothing but ordinary files", async () => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    await mkdir(workspace.file("directory"));
    const fifo = Bun.spawnSync(["mkfifo", workspace.file("fifo")]);
    expect(fifo.exitCode).toBe(0);
    await symlink(workspace.file("fifo"), workspace.file("to-fifo"));
    for (const name of ["directory", "fifo", "to-fifo"]) {
      const { code, stderr } = await terminal.run("backup", name, "--force");
      expect([code, stderr]).toEqual([1, expect.stringContaining("it is no ordinary file")]);
    }
    expect((await stat(workspace.file("fifo"))).isFIFO()).toBe(true);
    await symlink(workspace.file("nothing"), workspace.file("dangling"));
    const { code, stderr } = await terminal.run("backup", "dangling", "--force");
    expect([code, stderr]).toEqual([1, expect.stringContaining("it is a link to nothing")]);
  });

  test("removes what a copy that was killed a day ago has left, and no other's", async () => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    const left = ["copy.db.partial-Old111", "copy.db.partial-New222", "other.db.partial-Old333"];
    for (const name of left) {
      await mkdir(workspace.file(name));
      await writeFile(workspace.file(`${name}/store`), "half a store");
    }
    const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
    for (const name of [left[0], left[2]])
      await utimes(workspace.file(`${name}`), longAgo, longAgo);
    await terminal.run("backup", "copy.db");
    expect(left.filter((name) => existsSync(workspace.file(name)))).toEqual(left.slice(1));
  });

  test("goes to where a link leads, and the link stays", async () => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    await mkdir(workspace.file("disk"));
    await workspace.write("disk/old.db", "old");
    await symlink(workspace.file("disk/old.db"), workspace.file("newest.db"));
    expect(await terminal.run("backup", "newest.db", "--force")).toMatchObject({ code: 0 });
    expect(lstatSync(workspace.file("newest.db")).isSymbolicLink()).toBe(true);
    expect(readFileSync(workspace.file("disk/old.db"), "latin1")).toStartWith("SQLite format 3");
  });
});

describe("posthorn restore", () => {
  test.each<[string, (workspace: Workspace) => Promise<unknown>, string]>([
    [
      "is damaged",
      (workspace) => workspace.write("copy.db", "no database ".repeat(500)),
      '/copy.db": file is not a database (take another backup)\n',
    ],
    [
      "is empty",
      (workspace) => workspace.write("copy.db", ""),
      '/copy.db": it is empty (take another backup)\n',
    ],
    [
      "is a directory",
      (workspace) => mkdir(workspace.file("copy.db")),
      '/copy.db": it is no file (choose another file)\n',
    ],
    [
      "belongs to another program",
      async (workspace) => {
        using other = new DatabaseSync(workspace.file("copy.db"));
        other.exec("CREATE TABLE t (a)");
      },
      '/copy.db": it belongs to another program (choose another file)\n',
    ],
  ])("says of a backup that %s what to do, and leaves nothing", async (_, make, told) => {
    await using terminal = await Terminal.open();
    await make(terminal.workspace);
    const { code, stderr } = await terminal.run("restore", "copy.db");
    expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
    expect(existsSync(terminal.workspace.file("data"))).toBe(false);
  });

  test("leaves no lock behind when the copy itself fails", async () => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    await terminal.run("backup", "copy.db");
    {
      using copy = new DatabaseSync(workspace.file("copy.db"));
      copy.exec("PRAGMA user_version = 9999");
    }
    const { code, stderr } = await terminal.run("restore", "copy.db", "--data", "fresh");
    expect([code, stderr]).toEqual([1, expect.stringContaining("start the newer Posthorn")]);
    expect(existsSync(workspace.file("fresh/posthorn.db.serving"))).toBe(false);
    expect(await terminal.run("restore", "copy.db")).toMatchObject({ code: 1, stdout: "" });
    expect(existsSync(workspace.file(`${STORE}.serving`))).toBe(false);
  });

  test("never deletes the backup it is to put back, whatever its name", async () => {
    await using terminal = await openSite();
    const { workspace } = terminal;
    await mkdir(workspace.file("fresh"));
    await terminal.run("backup", "fresh/posthorn.db.partial");
    const { code } = await terminal.run("restore", "fresh/posthorn.db.partial", "--data", "fresh");
    expect([code, existsSync(workspace.file("fresh/posthorn.db.partial"))]).toEqual([0, true]);
  });
});

test("isThere() tells nothing there from nothing to be seen", async () => {
  await using workspace = await Workspace.make();
  expect(isThere(workspace.file("none/at/all"))).toBe(false);
  expect(isThere(workspace.path)).toBe(true);
  await symlink("loop", workspace.file("loop"));
  expect(() => isThere(workspace.file("loop"))).toThrow(`Cannot look at ${workspace.file("loop")}`);
});

test("what root makes in somebody's directory is his, and what he makes stays his", async () => {
  await using workspace = await Workspace.make();
  if (IS_ROOT) await chown(workspace.path, NOBODY, NOBODY);
  const directory = join(workspace.path, "a", "b");
  makePrivateDirectory(directory);
  const file = await workspace.write("a/b/file", "");
  giveToOwner(file);
  const owner = (await stat(workspace.path)).uid;
  for (const path of [join(workspace.path, "a"), directory, file]) {
    expect((await stat(path)).uid).toBe(owner);
  }
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test("device add makes the store for whoever owns the place", async () => {
  await using terminal = await Terminal.open();
  if (IS_ROOT) await chown(terminal.workspace.path, NOBODY, NOBODY);
  await terminal.run("device", "add", "42");
  const owner = (await stat(terminal.workspace.path)).uid;
  expect((await stat(terminal.workspace.file("data"))).uid).toBe(owner);
  expect((await stat(terminal.workspace.file(STORE))).uid).toBe(owner);
});

test("what root restores belongs to whoever owns the place, and nothing of root's lies beside it", async () => {
  await using terminal = await Terminal.open();
  await chmod(terminal.workspace.path, 0o755);
  await terminal.run("device", "add", "42");
  await terminal.run("backup", "copy.db");
  await mkdir(terminal.workspace.file("fresh"));
  if (IS_ROOT) await chown(terminal.workspace.file("fresh"), NOBODY, NOBODY);
  expect(await terminal.run("restore", "copy.db", "--data", "fresh")).toMatchObject({ code: 0 });
  const { uid } = await stat(terminal.workspace.file("fresh"));
  for (const name of ["posthorn.db", "posthorn.db.serving"]) {
    expect((await stat(terminal.workspace.file(`fresh/${name}`))).uid).toBe(uid);
  }
});
