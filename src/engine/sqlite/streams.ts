import type { Channel } from "../../core/channel.ts";
import { LIMITS } from "../../core/limits.ts";
import type {
  Append,
  Deliver,
  HistoryQuery,
  Streams,
  VersionGuard,
} from "../../core/ports/engine.ts";
import type { Publication } from "../../core/publication.ts";
import type { AppendInput } from "./append-statements.ts";
import type { HistoryInput, HistoryOutput, StoredPublication } from "./history-statements.ts";
import type { Lanes } from "./lanes.ts";

/** The `Streams` of a store. */
export function createStreams(lanes: Lanes, deliver: Deliver): Streams {
  return {
    async append(entry) {
      const { channel, publication } = entry;
      const deliverAt = (epoch: string, offset: number): void =>
        deliver(channel, { ...publication, offset }, { epoch, offset });
      if (!entry.retention && !entry.dedupe) {
        lanes.write.ensureOpen();
        deliverAt("", 0);
        return { epoch: "", offset: 0, duplicate: false, suppressed: false };
      }
      const { epoch, offset, refused } = await lanes.write.run("append", toAppendInput(entry), {
        key: channel,
        bytes: publication.data.length + (publication.info?.length ?? 0),
        committed: (place) => {
          if (place.refused === undefined) deliverAt(place.epoch, place.offset);
        },
      });
      return {
        epoch,
        offset,
        duplicate: refused === "duplicate",
        suppressed: refused === "suppressed",
      };
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

function toAppendInput(entry: Append): AppendInput {
  const { channel, publication, retention, dedupe, version } = entry;
  const { timeMs, data, tags, info } = publication;
  return {
    channel,
    timeMs,
    data,
    tags: tags ? JSON.stringify(tags) : null,
    info: info ?? null,
    retention: retention ?? null,
    dedupe: dedupe ?? null,
    version: retention && version ? toVersionInput(version) : null,
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
