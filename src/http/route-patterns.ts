/** A part of a path, and what may follow it. */
interface Branch {
  readonly byWord: Map<string, Branch>;
  /** What follows whatever stands for a parameter. */
  any: Branch | undefined;
  pattern: string | undefined;
}

/** The word for a path that no pattern fits. */
const NONE = "other";

/**
 * Finds the pattern of a path among those of the routes, so that figures about requests have as many
 * names as there are routes and no more. Words count more than parameters.
 */
export function createPatternFinder(patterns: Iterable<string>): (path: string) => string {
  const root = newBranch();
  for (const pattern of patterns) grow(root, pattern);
  return (path) => find(root, path.split("/")) ?? NONE;
}

function newBranch(): Branch {
  return { byWord: new Map(), any: undefined, pattern: undefined };
}

function grow(root: Branch, pattern: string): void {
  let branch = root;
  for (const word of pattern.split("/")) {
    if (word.startsWith(":")) {
      branch.any ??= newBranch();
      branch = branch.any;
    } else {
      const next = branch.byWord.get(word) ?? newBranch();
      branch.byWord.set(word, next);
      branch = next;
    }
  }
  branch.pattern = pattern;
}

function find(branch: Branch, [word, ...rest]: readonly string[]): string | undefined {
  if (word === undefined) return branch.pattern;
  const exact = branch.byWord.get(word);
  const found = exact && find(exact, rest);
  if (found !== undefined) return found;
  return branch.any && word !== "" ? find(branch.any, rest) : undefined;
}
