/** The members of JSON text that is an object; none for any other text, such as the HTML of a gateway. */
export function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return asMembers(JSON.parse(text));
  } catch {
    return {}; // what is no JSON has no members
  }
}

/** The members of a value that is an object; none of any other. */
export function asMembers(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** The items of a value that is a list; none of any other. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
