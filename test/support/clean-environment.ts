/** The environment of every process the suite starts: this one's, without what would configure Posthorn. */
export function cleanEnvironment(
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !entry[0].startsWith("POSTHORN_") && entry[0] !== "BUN_OPTIONS",
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...extra };
}
