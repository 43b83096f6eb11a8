import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./database.ts";
import { toFailure } from "./failure.ts";
import { explainOpen } from "./open-failure.ts";
import { prepareOperations } from "./operations.ts";
import { rememberFile } from "./own-file.ts";
import type { StoreMade } from "./private-file.ts";
import { prepareBatches } from "./transaction.ts";
import type { BatchRequest, OpenRequest, Outcome, ReplyMessage, RequestMessage } from "./wire.ts";

/** The part of a worker's global scope in use here; the runtimes' own types for it disagree. */
interface Scope {
  onmessage: (event: { readonly data: RequestMessage }) => void;
  postMessage(reply: ReplyMessage): void;
}

interface Connection {
  readonly database: DatabaseSync;
  readonly runBatch: (batch: BatchRequest) => Outcome[];
}

const scope = globalThis as unknown as Scope;
let connection: Connection | undefined;

scope.onmessage = ({ data: { id, request } }) => {
  try {
    scope.postMessage({ id, ok: true, value: answer(request) });
  } catch (error) {
    scope.postMessage({ id, ok: false, failure: toFailure(error) });
  }
};

function answer(request: RequestMessage["request"]): unknown {
  switch (request.type) {
    case "open-writing":
    case "open-reading":
      return open(request);
    case "batch":
      return opened().runBatch(request);
    case "close":
      return close();
  }
}

function open(request: OpenRequest): StoreMade | undefined {
  return explainOpen(fileOf(request), () =>
    openDatabase(request, (database, made) => {
      const operations = prepareOperations(database);
      const runBatch = prepareBatches(database, operations, fileCheck(request));
      connection = { database, runBatch };
      return made;
    }),
  );
}

function fileCheck(request: OpenRequest): (() => void) | undefined {
  if (request.type === "open-reading" || request.location === "memory") return undefined;
  return rememberFile(request.location.file);
}

function fileOf(request: OpenRequest): string {
  if (request.type === "open-reading") return request.file;
  return request.location === "memory" ? ":memory:" : request.location.file;
}

function close(): void {
  const { database } = opened();
  connection = undefined;
  // Closing the last connection writes the log back into the file; another process may hold one.
  database.close();
}

function opened(): Connection {
  if (!connection) throw new Error("Cannot use store: the worker has no open database");
  return connection;
}
