const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/**
 * Whether an object has two members of one name (nested ones aside). Readers differ in which of them
 * they take, so such a claim means one thing to who signed it and another to us (RFC 7519 §4).
 * Takes text that `JSON.parse` has accepted.
 */
export function hasDuplicateNames(objectText: string): boolean {
  const names = namesOf(objectText);
  return new Set(names).size < names.length;
}

function namesOf(objectText: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token, colon] of objectText.matchAll(TOKENS)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (colon !== undefined && depth === 1) {
      names.push(JSON.parse(token.slice(0, -colon.length)));
    }
  }
  return names;
}
