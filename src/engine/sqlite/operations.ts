import type { DatabaseSync } from "node:sqlite";
import { prepareAppend } from "./append-statements.ts";
import { prepareDevices } from "./device-statements.ts";
import { prepareHistory } from "./history-statements.ts";
import { prepareRemoveHistory } from "./stream-life.ts";
import { prepareUpkeep } from "./upkeep-statements.ts";

/**
 * Everything a worker can be asked to do within a transaction, by name.
 *
 * An operation takes one input and the time, and is synchronous. One that is listed here can be
 * run from the main thread through `Lanes`; nothing else needs to know it.
 */
export function prepareOperations(database: DatabaseSync) {
  return {
    append: prepareAppend(database),
    history: prepareHistory(database),
    removeHistory: prepareRemoveHistory(database),
    ...prepareDevices(database),
    ...prepareUpkeep(database),
  };
}

export type Operations = ReturnType<typeof prepareOperations>;
export type OperationName = keyof Operations;
export type Input<Name extends OperationName> = Parameters<Operations[Name]>[0];
export type Output<Name extends OperationName> = ReturnType<Operations[Name]>;
