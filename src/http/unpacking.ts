import { pipeline } from "node:stream";
import { promisify } from "node:util";
import { createGunzip, createInflate, gunzip, inflate } from "node:zlib";
import { Fault } from "../core/faults.ts";
import { tooLarge } from "./body-chunks.ts";

const WHOLE = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;
const PIECEWISE = { gzip: createGunzip, deflate: createInflate } as const;

/** How a body may be packed. */
export type Packing = keyof typeof WHOLE;

/** What the request says of its packing, undefined for none; throws `encoding_unsupported`. */
export function packingOf({ headers }: Request): Packing | undefined {
  const name = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (name === "identity" || name === "") return undefined;
  if (name === "gzip" || name === "deflate") return name;
  const detail = `got the Content-Encoding ${JSON.stringify(name.slice(0, 80))}, wanted gzip, deflate or none`;
  throw new Fault("encoding_unsupported", { detail });
}

/** Unpacks what is in memory as a whole, and stops as soon as it is more than allowed. */
export async function unpackWhole(
  packed: Uint8Array,
  packing: Packing | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  if (packing === undefined) return packed;
  try {
    return await WHOLE[packing](packed, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(maxBytes + 1, maxBytes);
    throw notPacked(packing, cause);
  }
}

/**
 * Unpacks piece by piece. However much one packed piece swells to, no more of it is held than a few
 * pieces of its result, and it ends with `body_too_large` as soon as all is more than allowed.
 */
export async function* unpackPieces(
  chunks: AsyncIterable<Uint8Array>,
  packing: Packing | undefined,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  if (packing === undefined) {
    yield* chunks;
    return;
  }
  const unpacker = PIECEWISE[packing]();
  // What goes wrong on either side ends the other one, and is thrown by the loop below.
  pipeline(chunks, unpacker, () => undefined);
  let bytes = 0;
  try {
    for await (const piece of unpacker) {
      bytes += piece.byteLength;
      if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
      yield piece;
    }
  } catch (error) {
    throw error instanceof Fault ? error : notPacked(packing, error);
  }
}

function notPacked(packing: Packing, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Fault("body_malformed", { detail: `it is not whole ${packing} data (${why})`, cause });
}
