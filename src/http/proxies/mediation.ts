/** Headers that no client sends by itself: somebody between has asked on its behalf. */
const MEDIATORS = [
  "x-forwarded-for",
  "forwarded",
  "x-real-ip",
  // What the blog post's nginx sends, and nobody reads.
  "x-real_ip",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
  "via",
] as const;

/** Of {@link MEDIATORS}, those that name an address. */
const ADDRESS_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"] as const;

/** Reads a header; null or undefined where it is not there. */
type ReadHeader = (name: string) => string | null | undefined;

/** The header that shows that a proxy has passed the request on; undefined where none does. */
export function mediatorOf(read: ReadHeader): string | undefined {
  return MEDIATORS.find((name) => isThere(read(name))) ?? connectionMediator(read);
}

/** The header in which a proxy has named whoever asked it. */
export function addressHeaderIn(read: ReadHeader): string | undefined {
  return ADDRESS_HEADERS.find((name) => isThere(read(name)));
}

/**
 * nginx that was told nothing but where to go says `close`, and one that was told so on each request
 * says `upgrade` where there is nothing to upgrade.
 */
function connectionMediator(read: ReadHeader): string | undefined {
  const value = read("connection")?.trim().toLowerCase() ?? "";
  const isUpgrade = value === "upgrade" && isThere(read("upgrade"));
  return value === "" || value.startsWith("keep-alive") || isUpgrade
    ? undefined
    : `connection: ${value.slice(0, 20)}`;
}

function isThere(value: string | null | undefined): boolean {
  return value !== null && value !== undefined;
}
