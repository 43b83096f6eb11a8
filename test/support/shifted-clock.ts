import type { Workspace } from "./workspace.ts";

const LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1";

/** Where Debian puts it: below the name of the machine's kind. */
export function findFaketime(): string | undefined {
  const [found] = new Bun.Glob(LIBRARY.slice(1)).scanSync({ cwd: "/", absolute: true });
  return found;
}

/** A wall clock that the test sets; durations pass as ever. */
export class ShiftedClock {
  /** What a process needs to go by it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #workspace: Workspace;

  private constructor(workspace: Workspace, library: string) {
    this.#workspace = workspace;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: workspace.file("clock"),
      FAKETIME_NO_CACHE: "1",
      // As when somebody sets the clock: the monotonic one never jumps.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  static async make(workspace: Workspace): Promise<ShiftedClock> {
    const library = findFaketime();
    if (library === undefined) throw new Error("Cannot set clocks: libfaketime is not installed");
    const clock = new ShiftedClock(workspace, library);
    await clock.shift(0);
    return clock;
  }

  /** From now on it is so much later, or earlier, than it is. */
  async shift(hours: number): Promise<void> {
    await this.#workspace.write("clock", `${hours < 0 ? "" : "+"}${hours}h\n`);
  }
}
