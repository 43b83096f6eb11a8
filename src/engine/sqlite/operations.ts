import type { DatabaseSync } from "node:sqlite";
import { prepareAppend } from "./append-statements.ts";
import { prepareBindings } from "./binding-statements.ts";
import { prepareCommandChanges, prepareCommandReads } from "./command-statements.ts";
import { prepareDevicePresence } from "./device-presence-statements.ts";
import { prepareDeviceRemoval } from "./device-removal-statements.ts";
import { prepareDeviceChanges, prepareDeviceReads } from "./device-statements.ts";
import { prepareFigures } from "./figure-statements.ts";
import { prepareHistory } from "./history-statements.ts";
import { prepareOutbox } from "./outbox-operations.ts";
import { prepareTell } from "./own-event-statements.ts";
import { prepareStateChanges, prepareStateReads } from "./state-statements.ts";
import { prepareRemoveHistory } from "./stream-life.ts";
import { prepareUpkeep } from "./upkeep-statements.ts";

/**
 * Everything a worker can be asked to do within a transaction, by name.
 *
 * An operation takes one input and the time, and is synchronous. One that is listed here can be
 * run from the main thread through `Lanes`; nothing else needs to know it.
 */
export function prepareOperations(database: DatabaseSync) {
  const append = prepareAppend(database);
  const tell = prepareTell(append);
  return {
    append,
    history: prepareHistory(database),
    removeHistory: prepareRemoveHistory(database),
    ...prepareDeviceChanges(database),
    ...prepareDevicePresence(database, tell),
    ...prepareDeviceRemoval(database),
    ...prepareDeviceReads(database),
    ...prepareBindings(database),
    ...prepareStateChanges(database, tell),
    ...prepareStateReads(database),
    ...prepareCommandChanges(database, tell),
    ...prepareCommandReads(database),
    ...prepareOutbox(database),
    ...prepareUpkeep(database),
    ...prepareFigures(database),
  };
}

export type Operations = ReturnType<typeof prepareOperations>;
export type OperationName = keyof Operations;
export type Input<Name extends OperationName> = Parameters<Operations[Name]>[0];
export type Output<Name extends OperationName> = ReturnType<Operations[Name]>;
