import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import { bodyChunks, Deadline, type Reading } from "./body-chunks.ts";
import { packingOf, unpackWhole } from "./unpacking.ts";

export interface BodyLimits {
  /** Both as sent and unpacked: a small compressed body cannot become a large one. */
  readonly bodyMaxBytes: number;
  /** For the whole body, so that a slow sender cannot hold a request open. */
  readonly bodyTimeoutMs: number;
}

/** Reads a whole body as text, unpacked; throws a {@link Fault} that says what is wrong with it. */
export async function readBodyText(
  request: Request,
  { bodyMaxBytes, bodyTimeoutMs }: BodyLimits,
  clock: Clock,
): Promise<string> {
  const packing = packingOf(request);
  using deadline = new Deadline(bodyTimeoutMs, clock);
  const packed = await readBytes(request, { maxBytes: bodyMaxBytes, deadline });
  const bytes = await unpackWhole(packed, packing, bodyMaxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it is not UTF-8", cause });
  }
}

async function readBytes(request: Request, reading: Reading): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyChunks(request, reading)) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : concat(chunks);
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
