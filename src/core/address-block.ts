const GROUPS = 8;
/** What one customer gets of IPv6: a block of /64, in which it has addresses without end. */
const GROUPS_OF_BLOCK = 4;

/** Who counts as one caller: an IPv4 address, or all addresses of an IPv6 block. */
export function addressBlock(address: string): string {
  if (!address.includes(":")) return address;
  const [bare = ""] = address.split("%", 1); // without the zone
  const [head = "", tail] = bare.split("::", 2);
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const missing = Math.max(0, GROUPS - before.length - after.length);
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
  return `${groups.slice(0, GROUPS_OF_BLOCK).join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  if (text === "") return [];
  return text.split(":").map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""));
}
