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
    return this.#ask(path, { method: "POST", body }, headers);
  }

  async get(path: string): Promise<BackendAnswer> {
    return this.#ask(path, {});
  }

  /** Sends JSON by another method. */
  async send(
    method: "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ): Promise<BackendAnswer> {
    return this.#ask(path, { method, ...(body && { body: JSON.stringify(body) }) });
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

  async #ask(
    path: string,
    init: RequestInit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<BackendAnswer> {
    const answer = await fetch(`${this.#url}${path}`, {
      ...init,
      headers: { "content-type": "application/json", ...this.#headers, ...headers },
    });
    return { status: answer.status, text: await answer.text() };
  }
}
