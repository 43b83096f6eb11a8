import { Fault } from "../../core/faults.ts";
import { toError } from "./failure.ts";
import type { Outcome, ReplyMessage, Request, RequestMessage } from "./wire.ts";

/** The part of a `Worker` in use here. */
export interface WorkerLike {
  postMessage(message: RequestMessage): void;
  addEventListener(
    type: "message" | "error" | "messageerror" | "close",
    listener: (event: WorkerEvent) => void,
  ): void;
  terminate(): void;
}

export interface WorkerEvent {
  readonly data?: unknown;
  readonly message?: string;
  preventDefault(): void;
}

/** Asks a worker and hears its answers. */
export interface WorkerLink {
  /** Rejects at once when the worker is dead, and with `store_failed` when it dies meanwhile. */
  request(request: Request): Promise<unknown>;
  isAlive(): boolean;
  /** Ends the thread; from here on its death is no news. */
  end(): void;
}

export interface WorkerLinkOptions {
  /** Tells callers of a dead worker what that means. */
  readonly epitaph: string;
  /** Called once if the worker ends by itself. */
  readonly died: (error: Error) => void;
}

/** Links a worker. */
export function createWorkerLink(
  worker: WorkerLike,
  { epitaph, died }: WorkerLinkOptions,
): WorkerLink {
  const waiting = new Map<number, (outcome: Outcome | { readonly death: Error }) => void>();
  let death: Error | undefined;
  let nextId = 1;

  const bury = (reason: string): void => {
    if (death) return;
    death = new Fault("store_failed", { detail: epitaph, cause: new Error(reason) });
    for (const settle of waiting.values()) settle({ death });
    waiting.clear();
    worker.terminate();
    died(death);
  };

  worker.addEventListener("message", ({ data }) => {
    const reply = data as ReplyMessage;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  worker.addEventListener("error", (event) => {
    // Deno throws an unhandled worker error again on the main thread, which ends the process.
    event.preventDefault();
    bury(event.message || "unknown error");
  });
  worker.addEventListener("messageerror", () => bury("a message could not be read"));
  // Bun's own event, for a worker that exits without an error.
  worker.addEventListener("close", () => bury("the worker exited"));

  return {
    request(request) {
      return new Promise((resolve, reject) => {
        if (death) return reject(death);
        const id = nextId++;
        worker.postMessage({ id, request });
        waiting.set(id, (outcome) => {
          if ("death" in outcome) reject(outcome.death);
          else if (outcome.ok) resolve(outcome.value);
          else reject(toError(outcome.failure));
        });
      });
    },
    isAlive: () => death === undefined,
    end() {
      death ??= new Fault("store_failed", { detail: "the store is closed" });
      worker.terminate();
    },
  };
}
