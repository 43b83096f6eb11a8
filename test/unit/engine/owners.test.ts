import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { becomeOwnerOf } from "../../../src/engine/sqlite/become-owner.ts";
import { copyStore } from "../../../src/engine/sqlite/copy-store.ts";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { giveToOwner } from "../../../src/engine/sqlite/owners.ts";
import { lockForServing } from "../../../src/engine/sqlite/serving-lock.ts";
import { Workspace } from "../../support/workspace.ts";
import { Terminal } from "../cli/terminal.ts";

// Who is not root gives nothing away: for him these say that all stays as it is.
const SELF = process.getuid?.() ?? 0;
const SOMEBODY = SELF === 0 ? 65_534 : SELF;

let workspace: Workspace;
/** A directory of somebody who is not to gain a thing. */
let theirs: string;
/** A file of ours that nobody else may read. */
let secret: string;

beforeEach(async () => {
  workspace = await Workspace.make();
  chmodSync(workspace.path, 0o755);
  theirs = workspace.file("theirs");
  mkdirSync(theirs);
  chownSync(theirs, SOMEBODY, SOMEBODY);
  secret = await workspace.write("secret", "ours");
  chmodSync(secret, 0o600);
});
afterEach(() => workspace[Symbol.asyncDispose]());

const ownerOf = (path: string) => lstatSync(path).uid;

function makeStore(file: string): void {
  openDatabase({ type: "open-writing", location: { file }, sync: "full", seed: "one" }, (it) =>
    it.close(),
  );
}

test("giveToOwner() gives nothing that a link leads to, of whichever kind", () => {
  const links = [`${theirs}/symbolic`, `${theirs}/hard`];
  symlinkSync(secret, links[0] ?? "");
  linkSync(secret, links[1] ?? "");
  for (const link of links) giveToOwner(link);
  expect([ownerOf(secret), statSync(secret).mode & 0o777]).toEqual([SELF, 0o600]);
});

test("becomeOwnerOf() lets root be the owner, or that of the directory above, and be root again", () => {
  {
    using _owner = becomeOwnerOf(`${theirs}/not/yet/there`, process);
    writeFileSync(`${theirs}/made`, "");
    expect(process.geteuid?.()).toBe(SOMEBODY);
    if (SELF === 0) expect(() => readFileSync(secret)).toThrow("EACCES");
  }
  expect([ownerOf(`${theirs}/made`), process.geteuid?.()]).toEqual([SOMEBODY, SELF]);
  expect(readFileSync(secret, "utf8")).toBe("ours");
});

test("becomeOwnerOf() believes a link of root's alone", () => {
  const ours = workspace.file("ours");
  mkdirSync(ours);
  symlinkSync(ours, `${theirs}/to-ours`);
  symlinkSync(theirs, `${ours}/to-theirs`);
  lchownSync(`${theirs}/to-ours`, SOMEBODY, SOMEBODY);
  for (const link of [`${theirs}/to-ours`, `${ours}/to-theirs`]) {
    using _owner = becomeOwnerOf(link, process);
    expect(process.geteuid?.()).toBe(SOMEBODY);
  }
});

test("copyStore() reads as root, writes as the owner of the place, and leaves nothing else there", () => {
  const from = workspace.file("private/posthorn.db");
  makeStore(from);
  chmodSync(workspace.file("private"), 0o700);
  copyStore({ from, to: `${theirs}/data/posthorn.db`, nowMs: 1, user: process });
  expect([ownerOf(`${theirs}/data`), ownerOf(`${theirs}/data/posthorn.db`)]).toEqual([
    SOMEBODY,
    SOMEBODY,
  ]);
  expect(readdirSync(`${theirs}/data`)).toEqual(["posthorn.db"]);
  expect(process.geteuid?.()).toBe(SELF);
});

test("copyStore() of root writes nothing through a link that somebody else has put in its way", () => {
  const from = workspace.file("posthorn.db");
  makeStore(from);
  const ours = workspace.file("ours");
  mkdirSync(ours);
  const copy = () => copyStore({ from, to: `${theirs}/data/posthorn.db`, nowMs: 1, user: process });
  symlinkSync(ours, `${theirs}/data`);
  lchownSync(`${theirs}/data`, SOMEBODY, SOMEBODY);
  if (SELF === 0) expect(copy).toThrow("EACCES");
  else copy();
  expect(existsSync(`${ours}/posthorn.db`)).toBe(SELF !== 0);
});

test("a lock that is a link is refused, and what it leads to stays as it is", async () => {
  await using terminal = await Terminal.open();
  chmodSync(terminal.workspace.path, 0o755);
  const data = terminal.workspace.file("data");
  mkdirSync(data);
  symlinkSync(secret, `${data}/posthorn.db.serving`);
  chownSync(data, SOMEBODY, SOMEBODY);
  const backup = terminal.workspace.file("copy.db");
  makeStore(backup);
  const { code, stderr } = await terminal.run("restore", backup);
  expect([code, stderr]).toEqual([1, expect.stringContaining("it is a link")]);
  expect([ownerOf(secret), readFileSync(secret, "utf8")]).toEqual([SELF, "ours"]);
  expect(() => lockForServing(`${data}/posthorn.db`)).toThrow("it is a link");
});
