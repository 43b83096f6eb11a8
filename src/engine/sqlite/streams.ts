import type { Channel } from "../../core/channel.ts";
import { LIMITS } from "../../core/limits.ts";
import type {
  Append,
  Appended,
  HistoryQuery,
  Streams,
  VersionGuard,
} from "../../core/ports/engine.ts";
import type { Publication } from "../../core/publication.ts";
import type { AppendInput, AppendOutput } from "./append-statements.ts";
import type { HistoryInput, HistoryOutput, StoredPublication } from "./history-statements.ts";
import type { Lanes } from "./lanes.ts";
import type { Listeners } from "./tell-committed.ts";

/** The `Streams` of a store. */
export function createStreams(lanes: Lanes, { deliver, outboxGrew }: Listeners): Streams {
  return {
    async append(entry) {
      const { channel, publication } = entry;
      const deliverAt = (epoch: string, offset: number): void =>
        deliver(channel, { ...publication, offset }, { epoch, offset });
      const outbox = entry.outbox ?? [];
      if (!entry.retention && !entry.dedupe && outbox.length === 0) {
        lanes.write.ensureOpen();
        deliverAt("", 0);
        return toAppended({ epoch: "", offset: 0 });
      }
      const output = await lanes.write.run("append", toAppendInput(entry), {
        key: channel,
        bytes: weightOf(entry),
        committed: ({ epoch, offset, refused }) => {
          if (refused !== undefined) return;
          deliverAt(epoch, offset);
          if (outbox.length > 0) outboxGrew([...new Set(outbox.map(({ endpoint }) => endpoint))]);
        },
      });
      return toAppended(output);
    },

    async history(channel, query) {
      if (query.limit < 0) throw new RangeError(`Cannot read history: limit is ${query.limit}`);
      const found = await readHistory(lanes, channel, query);
      // The reader may see a commit the main thread has not heard of yet: its deliveries go first.
      await lanes.write.settled(channel);
      return {
        top: { epoch: found.epoch, offset: found.offset },
        publications: found.publications.map(toPublication),
        ...(found.isCut && { isCut: true }),
      };
    },

    removeHistory(channel) {
      return lanes.write.run("removeHistory", channel);
    },
  };
}

/** As many of this weight fill a batch. */
const LIGHT_MAX_BYTES = LIMITS.readBatchMaxBytes / LIMITS.readsPerBatch - 1024;

/**
 * A batch has room for what its answers may weigh, and one batch is under way at a time. Few weigh
 * what they may, so each is tried as a light one first and repeated with all the room it needs.
 */
function readHistory(lanes: Lanes, channel: Channel, query: HistoryQuery): Promise<HistoryOutput> {
  const input = toHistoryInput(channel, query);
  const mayWeigh = Math.min(input.maxBytes ?? Number.POSITIVE_INFINITY, LIMITS.readBatchMaxBytes);
  if (input.limit === 0) return lanes.read.run("history", input);
  if (mayWeigh <= LIGHT_MAX_BYTES) return lanes.read.run("history", input, { bytes: mayWeigh });
  return lanes.read.run(
    "history",
    { ...input, maxBytes: LIGHT_MAX_BYTES, whole: true },
    {
      bytes: LIGHT_MAX_BYTES,
      again: ({ isCut }) => (isCut ? { input, bytes: mayWeigh } : undefined),
    },
  );
}

function weightOf({ publication: { data, info = "" }, outbox = [] }: Append): number {
  return outbox.reduce((sum, { body }) => sum + body.length, data.length + info.length);
}

function toAppended({ epoch, offset, refused }: AppendOutput): Appended {
  return {
    epoch,
    offset,
    duplicate: refused === "duplicate" || refused === "mismatched",
    suppressed: refused === "suppressed",
    mismatched: refused === "mismatched",
  };
}

function toAppendInput(entry: Append): AppendInput {
  const { channel, publication, retention, dedupe, version, outbox = [] } = entry;
  const { timeMs, data, tags, info } = publication;
  return {
    channel,
    timeMs,
    data,
    tags: tags ? JSON.stringify(tags) : null,
    info: info ?? null,
    retention: retention ?? null,
    dedupe: dedupe ? { fingerprint: null, ...dedupe } : null,
    version: retention && version ? toVersionInput(version) : null,
    outbox,
  };
}

function toVersionInput({ version, epoch = "" }: VersionGuard): AppendInput["version"] {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new RangeError(`Cannot compare version ${version}: wanted a whole number that is exact`);
  }
  return version === 0 ? null : { version, epoch };
}

function toHistoryInput(channel: Channel, query: HistoryQuery): HistoryInput {
  const { sinceOffset = null, limit, reverse = false, ttlMs, maxBytes, whole = false } = query;
  return { channel, sinceOffset, limit, reverse, ttlMs, maxBytes: maxBytes ?? null, whole };
}

function toPublication({ offset, timeMs, data, tags, info }: StoredPublication): Publication {
  return {
    data,
    offset,
    timeMs,
    ...(tags !== null && { tags: JSON.parse(tags) }),
    ...(info !== null && { info }),
  };
}
