/** What Posthorn asks a backend, as far as the suite looks into it. */
export interface Question {
  readonly client: string;
  readonly user?: string;
  readonly channel?: string;
  readonly method?: string;
  readonly data?: unknown;
}

/** The answer to one question, or a status in place of one. */
export type Answer = Readonly<Record<string, unknown>> | number;

export type Answers = Readonly<
  Record<"connect" | "subscribe" | "rpc", (question: Question, headers: Headers) => Answer>
>;

/** A customer's backend that Posthorn asks; it answers as the test says. */
export class FakeCallbacks implements AsyncDisposable {
  readonly #server: Bun.Server<undefined>;

  constructor(answers: Answers) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const name = new URL(request.url).pathname.slice(1);
        const answer = new Map(Object.entries(answers)).get(name);
        if (answer === undefined) return new Response(null, { status: 404 });
        const said = answer(await request.json(), request.headers);
        return typeof said === "number"
          ? new Response(null, { status: said })
          : Response.json(said);
      },
    });
  }

  /** What the server is configured with to ask this backend. */
  get config(): Readonly<Record<keyof Answers, string>> {
    const base = `http://127.0.0.1:${this.#server.port}`;
    return {
      connect: `${base}/connect`,
      subscribe: `${base}/subscribe`,
      rpc: `${base}/rpc`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}
