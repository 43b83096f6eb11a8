import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Log } from "../core/ports/log.ts";

/** The calls of one client that take their time, beside which its other commands go on. */
export class WaitingCalls {
  readonly #log: Log;
  #count = 0;
  /** Made when it is first asked for: most clients never call anything. */
  #gone: AbortController | undefined;
  #isOver = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborted when the client is gone. */
  get signal(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#isOver) this.#gone.abort();
    return this.#gone.signal;
  }

  /** Lets a call run by itself. It MUST NOT reject. Throws `waiters_exceeded` when too many run already. */
  begin(call: () => Promise<void>): void {
    const { rpcWaitsPerClient } = LIMITS;
    if (this.#count >= rpcWaitsPerClient) {
      const detail = `${this.#count} calls of this client wait, at most ${rpcWaitsPerClient} may`;
      throw new Fault("waiters_exceeded", { detail });
    }
    this.#count += 1;
    detach(this.#log, "client.call", async () => {
      try {
        await call();
      } finally {
        this.#count -= 1;
      }
    });
  }

  end(): void {
    this.#isOver = true;
    this.#gone?.abort();
  }
}
