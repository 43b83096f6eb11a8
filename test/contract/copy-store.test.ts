import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../src/engine/sqlite/database.ts";
import { Workspace } from "../support/workspace.ts";

const DEVICES = 20_000;

function makeStore(file: string): void {
  openDatabase({ type: "open-writing", location: { file }, sync: "normal", seed: "one" }, (it) => {
    it.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${DEVICES})
      INSERT INTO device (id, name, secret_hash, created_at_ms) SELECT i, hex(randomblob(200)), 'h', 1 FROM n
    `);
    it.close();
  });
}

/** Starts another process that copies when it is told to. */
async function startCopying(from: string, to: string) {
  const script = join(import.meta.dir, "copying-child.ts");
  const child = Bun.spawn([process.execPath, script, from, to], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  expect((await lines.read()).value).toBe("ready\n");
  return {
    async copied(): Promise<number> {
      child.stdin.write("go\n");
      child.stdin.end();
      const { value } = await lines.read();
      await child.exited;
      return Number(value);
    },
  };
}

test("copies of several processes to one file at once are each whole", async () => {
  await using workspace = await Workspace.make();
  const [from, to] = [workspace.file("posthorn.db"), workspace.file("safe/copy.db")];
  makeStore(from);
  const copying = await Promise.all(Array.from({ length: 4 }, () => startCopying(from, to)));
  const copied = await Promise.all(copying.map((it) => it.copied()));
  expect(copied).toEqual(copying.map(() => DEVICES));
  using copy = new DatabaseSync(to, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS n FROM device").get()).toEqual({ n: DEVICES });
  expect(await readdir(workspace.file("safe"))).toEqual(["copy.db"]);
});
