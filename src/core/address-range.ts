import { type IpBytes, parseIp } from "./ip-address.ts";

/** The addresses that begin with the same bits. */
export interface AddressRange {
  readonly bytes: IpBytes;
  readonly bits: number;
}

/**
 * Reads an address, or a range such as "10.0.0.0/8"; undefined for anything else, and for a range of
 * all addresses, which says nothing of any of them.
 */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = "", size, ...more] = text.split("/");
  const bytes = parseIp(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const bitsMax = 8 * bytes.length;
  if (size === undefined) return { bytes, bits: bitsMax };
  // "::ffff:10.0.0.0/104" has lost the bits that its size counts.
  const isMapped = address.includes(":") && bytes.length === 4;
  const bits = /^\d{1,3}$/.test(size) && !isMapped ? Number(size) : 0;
  return bits >= 1 && bits <= bitsMax ? { bytes, bits } : undefined;
}

/** Whether one of these ranges has the address. */
export function isInRanges(bytes: IpBytes, ranges: readonly AddressRange[]): boolean {
  return ranges.some((range) => hasAddress(range, bytes));
}

function hasAddress(range: AddressRange, bytes: IpBytes): boolean {
  if (range.bytes.length !== bytes.length) return false;
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, range.bits - 8 * index));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((range.bytes[index] ?? 0) & mask);
  });
}
