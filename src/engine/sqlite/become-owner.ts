import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { ownerOf, ROOT } from "./owners.ts";

/** Who runs this process, and how he becomes somebody else. What a system does not have is absent. */
export interface OwnUser {
  readonly geteuid?: () => number;
  readonly getegid?: () => number;
  readonly getgroups?: () => number[];
  readonly seteuid?: (uid: number) => void;
  readonly setegid?: (gid: number) => void;
  /** Deno has none. */
  readonly setgroups?: (gids: readonly number[]) => void;
}

/**
 * Lets root be, until this is disposed, whoever owns a directory, or the nearest above it that there is.
 *
 * What root makes in the directory of another user is to belong to him. To make it as root and give it
 * away afterwards would be wrong: he may have put something else under its name by then, a link to any
 * file of the machine, and would be given that. Everybody else stays who he is.
 */
export function becomeOwnerOf(directory: string, user: OwnUser = {}): Disposable {
  const { uid, gid } = ownerOf(nearest(directory));
  if (user.geteuid?.() !== ROOT || uid === ROOT) return { [Symbol.dispose]: () => undefined };
  const ownGroup = user.getegid?.() ?? ROOT;
  const ownGroups = user.getgroups?.() ?? [];
  const goBack = (): void => {
    user.seteuid?.(ROOT);
    user.setegid?.(ownGroup);
    user.setgroups?.(ownGroups);
  };
  try {
    user.setgroups?.([gid]);
    user.setegid?.(gid);
    user.seteuid?.(uid);
  } catch (cause) {
    goBack();
    throw new Error(`Cannot act as the owner of ${directory} (user ${uid}): ${String(cause)}`, {
      cause,
    });
  }
  return { [Symbol.dispose]: goBack };
}

function nearest(directory: string): string {
  const isThere = lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
  return isThere ? directory : nearest(dirname(directory));
}
