import { Buffer } from "node:buffer";
import type { Channel } from "../../src/core/channel.ts";
import type {
  Append,
  Appended,
  DedupeKey,
  Deliver,
  History,
  HistoryQuery,
  Streams,
  VersionGuard,
} from "../../src/core/ports/engine.ts";
import type { Publication } from "../../src/core/publication.ts";

interface Stream {
  readonly epoch: string;
  top: number;
  publications: Publication[];
  version: Required<VersionGuard>;
}

interface Seen {
  readonly appended: Appended;
  readonly fingerprint: string | undefined;
}

const NEW = { duplicate: false, suppressed: false, mismatched: false } as const;

/** The simplest streams that keep the promises of the port; a test may hold its answers back. */
export class MemoryStreams implements Streams {
  readonly #streams = new Map<Channel, Stream>();
  readonly #seen = new Map<string, Seen>();
  readonly #deliver: Deliver;
  #gate: Promise<void> = Promise.resolve();
  #read: "before" | "after" = "before";

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  /** Every answer to `history` waits until the returned function is called, read before that or after. */
  holdHistory(read: "before" | "after" = "before"): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#read = read;
    return resolve;
  }

  /** The stream's metadata is lost: it starts again under another epoch. */
  forget(channel: Channel, epoch = "epochtwo"): void {
    this.#streams.set(channel, newStream(epoch));
  }

  async append(entry: Append): Promise<Appended> {
    const { channel, publication, retention, dedupe, version } = entry;
    const repeated = dedupe && this.#repeated(dedupe);
    if (repeated) return repeated;
    const stream = this.#stream(channel);
    if (retention && version && isOld(version, stream.version)) {
      return { ...NEW, epoch: stream.epoch, offset: stream.top, suppressed: true };
    }
    const offset = retention ? ++stream.top : 0;
    const position = { epoch: retention ? stream.epoch : "", offset };
    const stored = { ...publication, offset };
    if (retention) {
      stream.publications = [...stream.publications, stored].slice(-retention.sizeMax);
      if (version?.version) stream.version = { epoch: "", ...version };
    }
    const appended = { ...NEW, ...position };
    if (dedupe) this.#seen.set(nameOf(dedupe), { appended, fingerprint: dedupe.fingerprint });
    this.#deliver(channel, stored, position);
    return appended;
  }

  async history(channel: Channel, query: HistoryQuery): Promise<History> {
    const gate = this.#gate;
    if (this.#read === "after") await gate;
    const answer = this.#historyNow(channel, query);
    await gate;
    return answer;
  }

  #historyNow(channel: Channel, query: HistoryQuery): History {
    const { sinceOffset, limit, reverse } = query;
    const { epoch, top, publications } = this.#stream(channel);
    const isAsked = ({ offset }: Publication) =>
      sinceOffset === undefined || (reverse ? offset < sinceOffset : offset > sinceOffset);
    const found = (reverse ? publications.toReversed() : publications).filter(isAsked);
    return { top: { epoch, offset: top }, ...withinBytes(found.slice(0, limit), query) };
  }

  async removeHistory(channel: Channel): Promise<void> {
    this.#stream(channel).publications = [];
  }

  #repeated(key: DedupeKey): Appended | undefined {
    const seen = this.#seen.get(nameOf(key));
    if (seen === undefined) return undefined;
    const { fingerprint = key.fingerprint } = seen;
    const mismatched = key.fingerprint !== undefined && key.fingerprint !== fingerprint;
    return { ...seen.appended, duplicate: true, mismatched };
  }

  #stream(channel: Channel): Stream {
    const stream = this.#streams.get(channel) ?? newStream("epochone");
    this.#streams.set(channel, stream);
    return stream;
  }
}

function withinBytes(
  found: readonly Publication[],
  { maxBytes = Number.POSITIVE_INFINITY, whole }: HistoryQuery,
): Pick<History, "publications" | "isCut"> {
  let bytes = 0;
  const fitting = found.filter((publication) => {
    bytes += weightOf(publication);
    return bytes <= maxBytes;
  });
  if (fitting.length === found.length) return { publications: found };
  if (whole) return { publications: [], isCut: true };
  const count = Math.max(1, fitting.length);
  return { publications: found.slice(0, count), ...(count < found.length && { isCut: true }) };
}

function weightOf({ data, tags, info = "" }: Publication): number {
  return Buffer.byteLength(data + (tags ? JSON.stringify(tags) : "") + info);
}

function nameOf({ scope, id }: DedupeKey): string {
  return `${scope} ${id}`;
}

function newStream(epoch: string): Stream {
  return { epoch, top: 0, publications: [], version: { version: 0, epoch: "" } };
}

function isOld({ version, epoch = "" }: VersionGuard, last: Required<VersionGuard>): boolean {
  return version > 0 && version <= last.version && (epoch === "" || epoch === last.epoch);
}
