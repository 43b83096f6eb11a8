import { lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isSameFile } from "./own-file.ts";
import { servingLockOf } from "./serving-lock.ts";

/** What lies beside a store and is its own, or will be. */
const BESIDE = ["", "-wal", "-shm", "-journal"];
const CONTROL = "posthorn.control";

/**
 * Where a copy goes that is asked for at `to`: what a link there leads to, so that the link stays. Throws
 * where the copy would take the place of what it is made of, or of anything that is no ordinary file.
 */
export function copyTarget(from: string, to: string): string {
  const target = placeOf(to);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    throw new Error(`Cannot write ${to}: it is no ordinary file, choose another name`);
  }
  const source = placeOf(from);
  const own = [
    ...BESIDE.map((end) => `${source}${end}`),
    servingLockOf(source),
    join(dirname(source), CONTROL),
  ];
  if (!own.some((path) => target === path || isSameFile(target, path))) return target;
  throw new Error(`Cannot write ${to}: it belongs to the store itself, choose another name`);
}

/** The one path of a file, whatever links lead to it; also of one that is to come. */
function placeOf(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return realPath(path);
  const directory = dirname(path);
  const isThere = statSync(directory, { throwIfNoEntry: false }) !== undefined;
  return isThere ? join(realpathSync(directory), basename(path)) : path;
}

function realPath(path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  throw new Error(`Cannot use ${path}: it is a link to nothing`);
}
