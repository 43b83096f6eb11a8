import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";

const UNPACKERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

export interface BodyLimits {
  /** Both as sent and unpacked: a small compressed body cannot become a large one. */
  readonly bodyMaxBytes: number;
  /** For the whole body, so that a slow sender cannot hold a request open. */
  readonly bodyTimeoutMs: number;
}

/** Reads a whole body as text, unpacked; throws a {@link Fault} that says what is wrong with it. */
export async function readBodyText(
  request: Request,
  limits: BodyLimits,
  clock: Clock,
): Promise<string> {
  const packed = await readBytes(request, limits, clock);
  const bytes = await unpack(packed, request.headers.get("content-encoding"), limits);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it is not UTF-8", cause });
  }
}

async function readBytes(
  request: Request,
  { bodyMaxBytes, bodyTimeoutMs }: BodyLimits,
  clock: Clock,
): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bodyMaxBytes)
    throw tooLarge(bodyMaxBytes);
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const late = deadline(bodyTimeoutMs, clock);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (true) {
      const { done, value } = await Promise.race([read(reader), late.passed]);
      if (done) return concat(chunks, size);
      size += value.byteLength;
      if (size > bodyMaxBytes) throw tooLarge(bodyMaxBytes);
      chunks.push(value);
    }
  } finally {
    late.cancel();
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it ended before it was complete", cause });
  }
}

function deadline(timeoutMs: number, clock: Clock) {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(timeoutMs, () => {
    reject(new Fault("body_timeout", { detail: `wanted all of it within ${timeoutMs} ms` }));
  });
  return { passed: promise, cancel };
}

async function unpack(
  packed: Uint8Array,
  encoding: string | null,
  { bodyMaxBytes }: BodyLimits,
): Promise<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? "identity";
  if (name === "identity" || name === "") return packed;
  if (name !== "gzip" && name !== "deflate") {
    const detail = `got "${name}", wanted gzip, deflate or none`;
    throw new Fault("encoding_unsupported", { detail });
  }
  try {
    return await UNPACKERS[name](packed, { maxOutputLength: bodyMaxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(bodyMaxBytes);
    throw new Fault("body_malformed", { detail: `it is not ${name} data`, cause });
  }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(maxBytes: number): Fault {
  return new Fault("body_too_large", {
    detail: `at most ${maxBytes} bytes are allowed, also when unpacked`,
  });
}
