/** An address as numbers: 4 bytes of IPv4 or 16 of IPv6. */
export type IpBytes = readonly number[];

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUPS = 8;
const IPV6_GROUP = /^[\da-f]{1,4}$/i;
/** `::ffff:` and four bytes: how a socket of IPv6 shows a peer that came by IPv4. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Reads an address without a port; undefined for anything else. IPv4 within IPv6 is IPv4. */
export function parseIp(text: string): IpBytes | undefined {
  if (IPV4.test(text)) return text.split(".").map(Number);
  const [bare = ""] = text.split("%", 1); // without the zone
  return bare.includes(":") ? unmapped(parseIpv6(bare)) : undefined;
}

/** Writes an address so that each has one form. */
export function formatIp(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: IPV6_GROUPS }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  ).join(":");
  const [longest] = [...groups.matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length);
  if (longest === undefined) return groups;
  const before = groups.slice(0, longest.index).replace(/:$/, "");
  const after = groups.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 2 * IPV6_GROUPS - head.length - (tail?.length ?? 0);
  // "::" stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...(tail ?? [])];
}

/** The bytes of groups between colons, of which the last of an address may be an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): IpBytes | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (IPV6_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else if (isEnd && index === groups.length - 1 && IPV4.test(group)) {
      bytes.push(...group.split(".").map(Number));
    } else {
      return undefined;
    }
  }
  return bytes;
}

function unmapped(bytes: IpBytes | undefined): IpBytes | undefined {
  const isMapped = bytes && MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return isMapped ? bytes.slice(MAPPED_PREFIX.length) : bytes;
}
