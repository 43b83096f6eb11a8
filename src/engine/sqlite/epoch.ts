import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

const EPOCH_LETTERS = 8;

/**
 * Tells the epoch of a channel that has no row yet.
 *
 * It follows from the store's random seed, so reading a channel nobody has appended to writes
 * nothing: it costs no commit, works while the disk is full, and no stranger can fill the table
 * by asking for names. It also follows from the generation of the channel's bucket, which
 * {@link prepareNextLife} counts.
 */
export function prepareFirstEpoch(database: DatabaseSync): (channel: string) => string {
  const select = database.prepare(
    `SELECT seed, (SELECT value FROM generation WHERE bucket = ?) AS generation
     FROM store WHERE id = 1`,
  );
  return (channel) => {
    const row = select.get(bucketOf(channel));
    const life = `${row?.["seed"]} ${row?.["generation"] ?? 0} ${channel}`;
    return Array.from(digestOf(life).subarray(0, EPOCH_LETTERS), letterOf).join("");
  };
}

/**
 * Makes the channel's next first epoch another one. Whoever deletes a channel's row MUST call it in
 * the same transaction, or the channel would start again with the epoch of its former life.
 *
 * What is counted are lives per bucket: a number for every channel there ever was would grow
 * without bound. The price is that one in 65,536 channels without a row changes its epoch as well,
 * so that clients waiting at its offset 0 are told once that they cannot recover.
 */
export function prepareNextLife(database: DatabaseSync): (channel: string) => void {
  const count = database.prepare(
    "INSERT INTO generation VALUES (?, 1) ON CONFLICT (bucket) DO UPDATE SET value = value + 1",
  );
  return (channel) => void count.run(bucketOf(channel));
}

/** One of 65,536, for what must not be kept of every name there ever was. */
export function bucketOf(name: string): number {
  return digestOf(name).readUInt16BE();
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function letterOf(byte: number): string {
  return String.fromCharCode(97 + (byte % 26));
}
