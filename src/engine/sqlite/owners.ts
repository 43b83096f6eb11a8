import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/** The number of the user who may do everything. */
export const ROOT = 0;

/**
 * Makes a file that root has made the property of whoever owns its directory: the server that is to work
 * with it may be his. What anybody else makes stays his.
 */
export function giveToOwner(file: string): void {
  const { uid, gid } = ownerOf(dirname(file));
  const seen = lstatSync(file);
  if (uid === ROOT || seen.uid !== ROOT || seen.isSymbolicLink()) return;
  // Not what a link leads to: in a directory of somebody else's it may lead anywhere by now.
  const opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(opened);
    const hasOneName = found.isDirectory() || (found.isFile() && found.nlink === 1);
    if (found.uid === ROOT && hasOneName) fchownSync(opened, uid, gid);
  } finally {
    closeSync(opened);
  }
}

/** Whose a directory is. A link to it is to be believed only when it is root's. */
export function ownerOf(directory: string): { readonly uid: number; readonly gid: number } {
  const found = lstatSync(directory);
  return found.isSymbolicLink() && found.uid === ROOT ? statSync(directory) : found;
}

/** Makes a directory that only its owner may enter, and those above it; root makes them for whoever owns the place. */
export function makePrivateDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  giveToOwner(first);
  let path = first;
  for (const part of relative(first, directory).split(sep)) {
    if (part === "") continue;
    path = join(path, part);
    giveToOwner(path);
  }
}
