import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { runCli } from "../support/cli.ts";
import { confined } from "../support/confined.ts";
import { configure, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DATABASE = "data/posthorn.db";
const STORES = [EXECUTABLE, ...TARGETS.filter(({ name }) => name === "deno")];

/** Makes a store of this build, ruins it, and gives what a server says that has to serve it. */
const RUINS: readonly (readonly [
  what: string,
  ruin: (file: string) => Promise<unknown>,
  says: RegExp,
])[] = [
  [
    "is no database",
    (file) => writeFile(file, "not a database at all ".repeat(500)),
    /damaged|not a database.*backup/,
  ],
  ["is damaged in its middle", damage, /damaged|malformed.*backup/],
  ["was cut off", (file) => truncate(file, 4_096 * 3 + 100), /damaged|malformed.*backup/],
  [
    "is of a newer Posthorn",
    (file) => change(file, "PRAGMA user_version = 9999"),
    /schema is.*9999.*start the newer Posthorn/,
  ],
  [
    "belongs to another program",
    (file) => change(file, "PRAGMA application_id = 7"),
    /belongs to.*choose another file/,
  ],
];

describe.each(STORES)("a store that $name cannot use", (target) => {
  test.each(RUINS)(
    "because it %s ends the start with 1 and the remedy, and is left as it was",
    async (_, ruin, says) => {
      await using workspace = await Workspace.make();
      await using made = await startPosthorn(target, { workspace });
      expect(await made.stop()).toBe(0);
      const file = workspace.file(DATABASE);
      await ruin(file);
      const before = await readFile(file);
      const { code, stderr, stdout } = await runCli(target, ["serve", "--port", "0"], {
        workspace,
      });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(says);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect((await readFile(file)).equals(before)).toBe(true);
    },
  );

  test("because another program holds it for long ends the start with 1 and the remedy", async () => {
    await using workspace = await Workspace.make();
    await using made = await startPosthorn(target, { workspace });
    await made.stop();
    using other = new DatabaseSync(workspace.file(DATABASE));
    other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    const { code, stderr } = await runCli(target, ["serve", "--port", "0"], { workspace });
    expect(code).toBe(1);
    expect(stderr).toMatch(/locked.*end the other process that holds it/);
  });

  test("because the disk is read-only ends the start with 1 and says so, and makes no store elsewhere", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace);
    await mkdir(workspace.file("data"));
    const prelude = "mount -t tmpfs -o ro posthorn data";
    const { code, stderr } = await runCli(
      confined(target, { own: "m", prelude }),
      ["serve", "--port", "0"],
      { workspace },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot open database.*its disk is not read-only\)\n$/);
    expect(await stat(workspace.file(DATABASE)).catch(() => "none")).toBe("none");
  });
});

async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(0xa5, 4_096, 4_096 * 6);
  await writeFile(file, bytes);
}

function change(file: string, sql: string): Promise<void> {
  using database = new DatabaseSync(file);
  database.exec(sql);
  return Promise.resolve();
}
