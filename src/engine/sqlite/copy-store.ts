import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { becomeOwnerOf, type OwnUser } from "./become-owner.ts";
import { copyTarget } from "./copy-target.ts";
import { SQLITE_FULL, SQLITE_IOERR, toFailure } from "./failure.ts";
import { markAsCopy } from "./new-life.ts";
import { explainedOpen, explainOpen, type Role } from "./open-failure.ts";
import { makePrivateDirectory } from "./owners.ts";
import { migrate } from "./schema.ts";

export interface CopyOptions {
  readonly from: string;
  /** Made, or replaced, in one step when all is done. */
  readonly to: string;
  readonly nowMs: number;
  /** What `from` is to the operator, who is told what to do when it is damaged. */
  readonly role?: Role;
  /** Who writes the copy. Root does it as whoever owns the place. */
  readonly user?: OwnUser | undefined;
}

/** What a copy holds. */
export interface CopiedStore {
  readonly bytes: number;
  readonly devices: number;
  readonly bindings: number;
  readonly channels: number;
  readonly publications: number;
  readonly commands: number;
  /** Events that webhooks have not been told of. */
  readonly untold: number;
}

/** How long the copy waits for a lock; there is none to wait for but that of a log being written back. */
const BUSY_TIMEOUT_MS = 5_000;

/** No copy takes this long. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Copies a store as it is at one moment, also while it is served: a reader of a write-ahead log holds up
 * no writer, the log only grows meanwhile. What was acknowledged before the call is in it.
 *
 * The copy is complete, checked and on the disk when it gets its name. It knows that it is a copy
 * (`beginNewLife`), so it may be put in place of a store by any means.
 */
export function copyStore({ from, to, nowMs, role = "store", user }: CopyOptions): CopiedStore {
  // As who we are: the copy's owner may be somebody who may not read what it is made of.
  const target = copyTarget(from, to);
  using source = explainOpen(from, () => openSource(from), role);
  using _owner = becomeOwnerOf(dirname(to), user);
  makePrivateDirectory(dirname(target));
  removeAbandoned(target, nowMs);
  using drafts = makeDraftsBeside(target);
  const draft = join(drafts.directory, "store");
  closeSync(openSync(draft, "wx", 0o600));
  const counts = explained({ from, to, role }, () => {
    source.prepare("VACUUM INTO ?").run(draft);
    return finish(draft, nowMs);
  });
  settle(draft, "r+");
  renameSync(draft, target);
  settle(dirname(target), "r");
  return { ...counts, bytes: statSync(target).size };
}

/**
 * A place that no other copy has, also one of the same store to the same file at the same time. Beside
 * the target, for only within a file system a rename is one step.
 */
function makeDraftsBeside(target: string): Disposable & { readonly directory: string } {
  const directory = mkdtempSync(draftsOf(target));
  return {
    directory,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A copy that was killed has left what it wrote, as large as the store: each night another one fills the disk. */
function removeAbandoned(target: string, nowMs: number): void {
  const drafts = basename(draftsOf(target));
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(drafts)) continue;
    const path = join(dirname(target), name);
    // Another copy may end, and remove its own, at this moment.
    const { mtimeMs = nowMs } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
    if (nowMs - mtimeMs < ABANDONED_MS) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

function draftsOf(target: string): string {
  return `${target}.partial-`;
}

/** Throws what keeps a file from being copied, as far as can be told without reading it through. */
export function checkSource(from: string, role: Role): void {
  explainOpen(from, () => openSource(from)[Symbol.dispose](), role);
}

/** What goes wrong is the fault of the one disk or of the other, or of what is copied. */
function explained<T>(
  { from, to, role }: Required<Pick<CopyOptions, "from" | "to" | "role">>,
  copy: () => T,
): T {
  try {
    return copy();
  } catch (cause) {
    const { message, sqliteCode } = toFailure(cause);
    if (sqliteCode === SQLITE_FULL) {
      throw new Error(`Cannot write ${to}: the disk is full (free some space on it)`, { cause });
    }
    if (sqliteCode === SQLITE_IOERR) {
      throw new Error(`Cannot copy ${from} to ${to}: ${message} (check both disks)`, { cause });
    }
    throw explainedOpen(from, cause, role);
  }
}

/** Opens what is to be copied, when it is a store. */
function openSource(from: string): DatabaseSync {
  const found = statSync(from, { throwIfNoEntry: false });
  if (found?.isFile() === false) throw new Error("it is no file");
  if (found?.size === 0) throw new Error("it is empty");
  const source = new DatabaseSync(from, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const table = source.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'store'").get();
    if (table === undefined) throw new Error("it belongs to another program");
    return source;
  } catch (error) {
    source.close();
    throw error;
  }
}

function finish(draft: string, nowMs: number): Omit<CopiedStore, "bytes"> {
  using copy = new DatabaseSync(draft);
  // What an older build wrote has no place for the mark. Here it harms nobody.
  migrate(copy);
  markAsCopy(copy, nowMs);
  const verdict = copy.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (verdict !== "ok") throw new Error(`it is damaged: ${verdict}`);
  const count = (what: string): number =>
    Number(copy.prepare(`SELECT count(*) AS count FROM ${what}`).get()?.["count"]);
  return {
    devices: count("device"),
    bindings: count("binding"),
    channels: count("channel"),
    publications: count("publication"),
    commands: count("command"),
    untold: count("outbox WHERE died_at_ms IS NULL"),
  };
}

/** Waits until the disk has it. */
function settle(path: string, flags: "r" | "r+"): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
