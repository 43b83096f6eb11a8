import type { DatabaseSync } from "node:sqlite";
import { storeTrouble, toFailure } from "./failure.ts";
import type { Operations } from "./operations.ts";
import type { BatchRequest, Call, Outcome } from "./wire.ts";

/** Runs calls within an open transaction. */
type Body = (calls: readonly Call[]) => Outcome[];

/**
 * Runs the calls of a batch in one transaction.
 *
 * A call that throws must not cost its neighbours their acknowledgement: then the batch is rolled
 * back and run again with a savepoint around each call, so that only the poisonous one fails and
 * the rest still share one commit. Trouble of the store itself fails the whole batch at once; before
 * each write `checkFile` may throw such.
 */
export function prepareBatches(
  database: DatabaseSync,
  operations: Operations,
  checkFile: () => void = () => undefined,
) {
  const inTransaction = prepareTransaction(database);
  const guarded = prepareGuard(database);
  return ({ access, nowMs, calls }: BatchRequest): Outcome[] => {
    const run = (call: Call): Outcome => {
      const operation = operations[call.name] as (input: unknown, nowMs: number) => unknown;
      return { ok: true, value: operation(call.input, nowMs) };
    };
    const attempt = (body: Body): Outcome[] =>
      inTransaction(access, () => {
        if (access === "write") checkFile();
        return body(calls);
      });
    try {
      return attempt((all) => all.map(run));
    } catch (error) {
      if (calls.length === 1 || isStoreTrouble(error)) return failAll(calls, error);
    }
    try {
      return attempt((all) => all.map((call) => guarded(() => run(call))));
    } catch (error) {
      return failAll(calls, error);
    }
  };
}

function prepareTransaction(database: DatabaseSync) {
  const begin = {
    read: database.prepare("BEGIN"),
    // Immediate: a transaction that starts by reading cannot wait for another process's write lock.
    write: database.prepare("BEGIN IMMEDIATE"),
  };
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  return (access: "read" | "write", body: () => Outcome[]): Outcome[] => {
    try {
      begin[access].run();
      const outcomes = body();
      commit.run();
      return outcomes;
    } catch (error) {
      // SQLite has already rolled back by itself after some failures.
      if (database.isTransaction) rollback.run();
      throw error;
    }
  };
}

function prepareGuard(database: DatabaseSync) {
  const save = database.prepare("SAVEPOINT call");
  const release = database.prepare("RELEASE call");
  const undo = database.prepare("ROLLBACK TO call");
  return (run: () => Outcome): Outcome => {
    save.run();
    try {
      return run();
    } catch (error) {
      if (isStoreTrouble(error)) throw error;
      undo.run();
      return { ok: false, failure: toFailure(error) };
    } finally {
      if (database.isTransaction) release.run();
    }
  };
}

function isStoreTrouble(error: unknown): boolean {
  return storeTrouble(toFailure(error)) !== undefined;
}

function failAll(calls: readonly Call[], error: unknown): Outcome[] {
  const failure = toFailure(error);
  return calls.map(() => ({ ok: false, failure }));
}
