/** The body of a held response, whose reader is the test. */
export class HeldBody {
  text = "";
  hasEnded = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** Reads whatever comes from now on, as a client does that keeps up. */
  run(): void {
    this.#pump().catch((error: unknown) => {
      this.text += String(error);
    });
  }

  /** Takes one chunk. */
  async take(): Promise<string> {
    const { value } = await this.#reader.read();
    return this.#decoder.decode(value);
  }

  /** The client goes away. */
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  /** Each JSON object received so far, whatever frames it. */
  get messages(): unknown[] {
    return this.text
      .split("\n")
      .map((line) => line.replace(/^data: /, "").trim())
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  async #pump(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.text += this.#decoder.decode(value, { stream: true });
    }
    this.hasEnded = true;
  }
}
