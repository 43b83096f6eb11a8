/** As much of the standard's `EventSource` as the npm package `centrifuge` uses; Bun has none. */
export class TestEventSource {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly #aborting = new AbortController();

  constructor(url: string) {
    this.#run(url).catch((error: unknown) => {
      if (!this.#aborting.signal.aborted) this.onerror?.(error);
    });
  }

  close(): void {
    this.#aborting.abort();
  }

  async #run(url: string): Promise<void> {
    const { signal } = this.#aborting;
    const response = await fetch(url, { signal, headers: { accept: "text/event-stream" } });
    const type = response.headers.get("content-type") ?? "";
    if (response.status !== 200 || !type.startsWith("text/event-stream")) {
      throw new Error(`Cannot read events: got ${response.status} ${type}`);
    }
    this.onopen?.();
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body ?? []) {
      const events = (rest + decoder.decode(chunk, { stream: true }))
        .replaceAll("\r\n", "\n")
        .split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) this.#dispatch(event);
    }
    throw new Error("the stream ended");
  }

  #dispatch(event: string): void {
    const data = event
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice("data:".length).replace(/^ /, ""));
    if (data.length > 0) this.onmessage?.({ data: data.join("\n") });
  }
}
