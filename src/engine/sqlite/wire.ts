import type { Failure } from "./failure.ts";
import type { OperationName } from "./operations.ts";

/** Where the store lives: a file, or the memory of its worker. */
export type Location = { readonly file: string } | "memory";

/** How a worker opens its connection. */
export type OpenRequest =
  | {
      readonly type: "open-writing";
      readonly location: Location;
      readonly sync: "full" | "normal";
      /** Chance for the epochs of a store that does not exist yet. */
      readonly seed: string;
    }
  | { readonly type: "open-reading"; readonly file: string };

/** One operation with its input: flat objects of text and numbers, which clone fast. */
export interface Call {
  readonly name: OperationName;
  readonly input: unknown;
}

/** Calls that share one transaction. */
export interface BatchRequest {
  readonly type: "batch";
  readonly access: "read" | "write";
  readonly nowMs: number;
  readonly calls: readonly Call[];
}

/** What the main thread asks of a worker. */
export type Request = OpenRequest | BatchRequest | { readonly type: "close" };

/** What became of one call. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Failure };

/** Main thread to worker: requests are answered in the order they are sent. */
export interface RequestMessage {
  readonly id: number;
  readonly request: Request;
}

/** Worker to main thread: `value` holds the outcomes of a batch. */
export type ReplyMessage = { readonly id: number } & Outcome;
