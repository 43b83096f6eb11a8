import type { Hop } from "./hop.ts";

/** Token characters of HTTP (RFC 9110 §5.6.2). */
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const PAIR = `${TOKEN}=(?:${TOKEN}|${QUOTED})`;
const ELEMENT = new RegExp(`^[ \\t]*${PAIR}(?:[ \\t]*;(?:[ \\t]*${PAIR})?)*[ \\t]*$`);
const EACH_PAIR = new RegExp(`(${TOKEN})=(?:(${TOKEN})|(${QUOTED}))`, "g");

/**
 * The elements of a Forwarded header (RFC 7239), the last one first: only those at the end come from
 * somebody known, and a quote that a client leaves open at the beginning must not hide them. Where one
 * is malformed it ends, with an empty hop.
 */
export function* hopsOfForwarded(value: string): Generator<Hop> {
  for (let end = value.length; end >= 0; ) {
    const start = startOfElement(value, end);
    if (start === undefined) {
      yield {};
      return;
    }
    yield hopIn(value.slice(start, end));
    end = start - 1; // before the comma
  }
}

/** Where the element begins that ends here. A comma may be within quotes: then what follows is no element. */
function startOfElement(value: string, end: number): number | undefined {
  for (let comma = end; comma >= 0; ) {
    comma = comma === 0 ? -1 : value.lastIndexOf(",", comma - 1);
    if (ELEMENT.test(value.slice(comma + 1, end))) return comma + 1;
  }
  return undefined;
}

function hopIn(element: string): Hop {
  const pairs = new Map(
    [...element.matchAll(EACH_PAIR)].map(([, name = "", token, quoted = ""]) => [
      name.toLowerCase(),
      token ?? quoted.slice(1, -1).replace(/\\(.)/g, "$1"),
    ]),
  );
  const [node, scheme] = [pairs.get("for"), pairs.get("proto")];
  return { ...(node !== undefined && { node }), ...(scheme !== undefined && { scheme }) };
}
