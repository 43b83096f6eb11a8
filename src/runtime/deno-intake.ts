/**
 * What one listener takes in. Deno's `shutdown` lets requests finish but breaks off every body that is
 * still coming, so it has to wait for these, and nothing new may begin meanwhile.
 */
export class DenoIntake {
  readonly #bodyMaxBytes: number;
  readonly #coming = new Set<Promise<void>>();
  #isClosed = false;

  constructor(bodyMaxBytes: number) {
    this.#bodyMaxBytes = bodyMaxBytes;
  }

  /** The answer to a request that must not go further. */
  refusal(request: Request): Response | undefined {
    if (this.#isClosed) return refuse(503);
    return declaredLength(request) > this.#bodyMaxBytes ? refuse(413) : undefined;
  }

  /** Counts a request's body as coming until the result is disposed of. */
  begin(request: Request): Disposable | undefined {
    if (declaredLength(request) === 0 && !request.headers.has("transfer-encoding"))
      return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#coming.add(promise);
    return {
      [Symbol.dispose]: () => {
        this.#coming.delete(promise);
        resolve();
      },
    };
  }

  /** Lets nothing in any more; resolves when no body is coming. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#coming);
  }
}

/** Without a body, as Bun answers when it refuses by itself. */
function refuse(status: 413 | 503): Response {
  return new Response(null, { status, headers: { connection: "close" } });
}

function declaredLength({ headers }: Request): number {
  return Number(headers.get("content-length") ?? 0);
}
