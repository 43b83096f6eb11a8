import { cleanEnvironment } from "./clean-environment.ts";
import { Inbox, within } from "./inbox.ts";
import type { Target } from "./targets.ts";

/** A running `posthorn demo-device`, known by the lines it prints. */
export class DemoDevice implements AsyncDisposable {
  readonly lines = new Inbox<string>();
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #printed: Promise<void>;

  constructor(target: Target, ...args: readonly string[]) {
    this.#child = Bun.spawn([...target.command, "demo-device", ...args], {
      env: cleanEnvironment(),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#printed = this.#collect();
  }

  /** Waits for a line that starts so, at index `from` or later. */
  prints(start: string, from = 0): Promise<string> {
    return this.lines.find((line) => line.startsWith(start), { what: `"${start}"`, from });
  }

  /** Asks it to end and gives its exit code. */
  async stop(): Promise<number> {
    this.#child.kill("SIGINT");
    const code = await within(this.#child.exited, "the end of the demo device");
    await this.#printed;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.lines.push(line);
    }
  }
}
