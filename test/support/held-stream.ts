import { Inbox, within } from "./inbox.ts";
import { parseLine, type WireMessage } from "./wire.ts";

/** A client that reads a held response line by line, and keeps what it got. */
export class HeldStream implements Disposable {
  readonly status: number;
  readonly headers: Headers;
  /** Every line that is not empty, without the framing of events. */
  readonly lines = new Inbox<string>();
  /** The whole text so far. */
  text = "";
  readonly #ended: Promise<void>;
  readonly #aborting: AbortController;

  private constructor(response: Response, aborting: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#aborting = aborting;
    this.#ended = this.#read(response);
    this.#ended.catch(() => undefined); // an abort of our own; anybody who waits hears of it
  }

  /** Resolves when the head of the answer is there. */
  static async open(url: string, init: RequestInit = {}): Promise<HeldStream> {
    const aborting = new AbortController();
    const asked = fetch(url, { ...init, signal: aborting.signal });
    return new HeldStream(await within(asked, `the answer of ${url}`), aborting);
  }

  /** The first message that matches. */
  async message(matches: (message: WireMessage) => boolean, what: string): Promise<WireMessage> {
    return parseLine(await this.lines.find((line) => matches(parseLine(line)), { what }));
  }

  /** Resolves when the server ended the response as it should; rejects when it was cut. */
  async end(deadlineMs?: number): Promise<void> {
    await within(this.#ended, "the end of the response", deadlineMs);
  }

  /** The client leaves. */
  [Symbol.dispose](): void {
    this.#aborting.abort();
  }

  async #read({ body }: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body ?? []) {
      const text = decoder.decode(chunk, { stream: true });
      this.text += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const message = line.replace(/^data: /, "").trimEnd();
        if (message !== "") this.lines.push(message);
      }
    }
  }
}
