/** The key of every backend in the suite. */
export const BACKEND_KEY = "black-box-backend-key-0123456789";

export interface BackendAnswer {
  readonly status: number;
  readonly text: string;
}

/** A customer's backend, as it calls the server API. */
export class Backend {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    url: string,
    headers: Readonly<Record<string, string>> = { "x-api-key": BACKEND_KEY },
  ) {
    this.#url = url;
    this.#headers = headers;
  }

  /** Posts text as it is; `path` begins with /api. */
  async post(
    path: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<BackendAnswer> {
    const answer = await fetch(`${this.#url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...this.#headers, ...headers },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** The text of the answer to one call. */
  async call(method: string, request: object): Promise<string> {
    return (await this.post(`/api/${method}`, JSON.stringify(request))).text;
  }

  /** The result of a call that must succeed. */
  async result<Result>(method: string, request: object): Promise<Result> {
    const text = await this.call(method, request);
    const { result } = JSON.parse(text);
    if (result === undefined) throw new Error(`${method} was answered ${text}`);
    return result;
  }
}
