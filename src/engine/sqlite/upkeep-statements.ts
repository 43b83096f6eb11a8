import type { DatabaseSync } from "node:sqlite";
import { prepareForgetCommands } from "./command-rows.ts";
import { type ForgottenOutbox, prepareForgetOutbox } from "./outbox-statements.ts";
import { prepareForgetStreams } from "./stream-life.ts";

/** Rows of one kind that one sweep deletes: about two milliseconds of work between two appends. */
const SWEEP_ROWS_MAX = 500;
/** A stream is several rows, here and in indexes. */
const SWEEP_STREAMS_MAX = 100;
/** A command with its data and result may be dozens of pages. */
const SWEEP_COMMANDS_MAX = 100;
/** So may an event in the outbox. */
const SWEEP_OUTBOX_MAX = 100;

interface Swept {
  /** There is more to forget. */
  readonly more: boolean;
  /** Events that endpoints were never told of. */
  readonly untold: ForgottenOutbox["waiting"];
}

/** What the store does for itself: forgetting what is past its time, and proving that it works. */
export function prepareUpkeep(database: DatabaseSync) {
  const forgetPublications = database.prepare(
    `DELETE FROM publication WHERE (channel_id, offset) IN (
       SELECT channel_id, offset FROM publication WHERE expires_at_ms <= ?
       ORDER BY expires_at_ms LIMIT ${SWEEP_ROWS_MAX})`,
  );
  const forgetIds = database.prepare(
    `DELETE FROM dedupe WHERE (scope, id) IN (
       SELECT scope, id FROM dedupe WHERE expires_at_ms <= ?
       ORDER BY expires_at_ms LIMIT ${SWEEP_ROWS_MAX})`,
  );
  const forgetStreams = prepareForgetStreams(database, {
    streamsMax: SWEEP_STREAMS_MAX,
    rowsMax: SWEEP_ROWS_MAX,
  });
  const forgetCommands = prepareForgetCommands(database, SWEEP_COMMANDS_MAX);
  const forgetOutbox = prepareForgetOutbox(database, SWEEP_OUTBOX_MAX);
  const touch = database.prepare("UPDATE store SET touched_at_ms = ? WHERE id = 1");
  const look = database.prepare("SELECT touched_at_ms FROM store WHERE id = 1");
  return {
    sweep(_: null, nowMs: number): Swept {
      const publications = forgetPublications.run(nowMs).changes;
      const ids = forgetIds.run(nowMs).changes;
      const commands = forgetCommands(nowMs);
      const outbox = forgetOutbox(nowMs);
      const moreStreams = forgetStreams(nowMs);
      const moreRows = publications === SWEEP_ROWS_MAX || ids === SWEEP_ROWS_MAX;
      const moreLong = commands === SWEEP_COMMANDS_MAX || outbox.rows === SWEEP_OUTBOX_MAX;
      return { more: moreRows || moreLong || moreStreams, untold: outbox.waiting };
    },
    /** Writes one row, because only a write proves that the store can write. */
    touch(_: null, nowMs: number): void {
      touch.run(nowMs);
    },
    look(_: null): void {
      look.get();
    },
  };
}
