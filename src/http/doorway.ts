import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { RequestInfo } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import type { Entry } from "./entry.ts";
import { toProblem } from "./problem.ts";

export interface DoorwayParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: { readonly heldAtDoorway: number; readonly doorwayHoldMs: number };
}

/**
 * Stands before the entry of a server that does not have its store yet, or not any more: whoever comes
 * meanwhile is held, as many and as long as the limits say, and then goes where there is a server.
 */
export class Doorway {
  readonly #parts: DoorwayParts;
  #entry: Entry | undefined;
  #waiting = 0;
  #opened = Promise.withResolvers<Entry>();
  #isLeaving = false;

  constructor(parts: DoorwayParts) {
    this.#parts = parts;
  }

  /** What the runtime calls for each request. */
  readonly enter: Entry = async (request, info) => {
    const entry = this.#entry;
    if (entry === undefined) return await this.#hold(request, info);
    const response = await entry(request, info);
    // A peer that keeps its connection would come back to the server that goes.
    if (this.#isLeaving) response.headers.set("connection", "close");
    return response;
  };

  /** From now on everybody goes through it, first those who were held. */
  open(entry: Entry): void {
    this.#entry = entry;
    this.#opened.resolve(entry);
  }

  /** Holds everybody who comes from now on. */
  close(): void {
    this.#entry = undefined;
    this.#opened = Promise.withResolvers();
  }

  /** Whether connections end with the answer that runs on them. */
  leave(isLeaving: boolean): void {
    this.#isLeaving = isLeaving;
  }

  async #hold(request: Request, info: RequestInfo): Promise<Response> {
    const { clock, log, limits } = this.#parts;
    if (this.#waiting >= limits.heldAtDoorway) return this.#refuse();
    this.#waiting += 1;
    const tooLate = Promise.withResolvers<undefined>();
    const cancel = clock.after(limits.doorwayHoldMs, () => tooLate.resolve(undefined));
    try {
      const entry = await Promise.race([this.#opened.promise, tooLate.promise]);
      return entry === undefined ? this.#refuse() : await entry(request, info);
    } catch (error) {
      return toProblem(error, clock, log);
    } finally {
      cancel();
      this.#waiting -= 1;
    }
  }

  #refuse(): Response {
    const { clock, log } = this.#parts;
    const detail = "the server is being replaced";
    return toProblem(new Fault("draining", { detail }), clock, log);
  }
}
