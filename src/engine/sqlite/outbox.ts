import type { DeadLetterPage, Outbox } from "../../core/ports/outbox.ts";
import type { Lanes } from "./lanes.ts";
import type { OutboxGrew } from "./tell-committed.ts";

const FROM_THE_BEGINNING = { endpoint: "", diedAtMs: Number.MIN_SAFE_INTEGER, id: "" };

/** The `Outbox` of a store. */
export function createOutbox({ read, write }: Lanes, outboxGrew: OutboxGrew): Outbox {
  return {
    add(entries) {
      return write.run("addToOutbox", entries, {
        bytes: entries.reduce((sum, { body }) => sum + body.length, 0),
        committed: () => outboxGrew(endpointsOf(entries)),
      });
    },
    async take(query) {
      if (query.max < 1) throw new RangeError(`Cannot take from the outbox: max is ${query.max}`);
      return write.run("takeFromOutbox", query);
    },
    endLeases() {
      return write.run("endOutboxLeases", null);
    },
    done({ endpoint, id }) {
      return write.run("endOutboxRow", { endpoint, id });
    },
    retry({ endpoint, id }, atMs) {
      return write.run("retryOutboxRow", { ref: { endpoint, id }, atMs });
    },
    bury({ endpoint, id }, { atMs, why }) {
      return write.run("buryOutboxRow", { ref: { endpoint, id }, atMs, why });
    },
    async deadLetters(page) {
      const { endpoint = null, limit } = page;
      // To SQLite a negative limit is none.
      if (limit < 0) throw new RangeError(`Cannot list dead letters: limit is ${limit}`);
      const after = startOf(page);
      return after ? read.run("deadLetters", { endpoint, after, limit }) : [];
    },
    replay({ endpoint, id }) {
      return write.run(
        "replayDeadLetter",
        { endpoint, id },
        {
          committed: (replayed) => {
            if (replayed === "replayed") outboxGrew([endpoint]);
          },
        },
      );
    },
    outboxCounts(endpoint) {
      return read.run("outboxCounts", endpoint);
    },
  };
}

function endpointsOf(entries: readonly { readonly endpoint: string }[]): readonly string[] {
  return [...new Set(entries.map(({ endpoint }) => endpoint))];
}

/** Where the page starts, which may be in another endpoint's part; undefined when it is behind all. */
function startOf({ endpoint, after }: DeadLetterPage): DeadLetterPage["after"] {
  if (after === undefined) return FROM_THE_BEGINNING;
  const { diedAtMs, id } = after;
  if (endpoint === undefined || endpoint === after.endpoint) {
    return { endpoint: after.endpoint, diedAtMs, id };
  }
  return after.endpoint < endpoint ? FROM_THE_BEGINNING : undefined;
}
