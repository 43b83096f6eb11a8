import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import type { Workspace } from "./workspace.ts";

const SOURCE = `${import.meta.dir}/slow-sync.c`;

/** Beside its headers, which Debian has in a package of their own. */
export function findCompiler(): string | undefined {
  return Bun.which("gcc") ?? undefined;
}

export function findHeaders(): string | undefined {
  const header = "/usr/include/unistd.h";
  return existsSync(header) ? header : undefined;
}

/** A disk that needs its time to make anything durable. */
export class SlowDisk {
  /** What a process needs to write on it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #workspace: Workspace;

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.env = {
      LD_PRELOAD: workspace.file("slow-sync.so"),
      SLOW_SYNC_MS: workspace.file("sync-ms"),
      SLOW_SYNC_NOTES: workspace.file("sync-notes"),
    };
  }

  static async make(workspace: Workspace, syncMs: number): Promise<SlowDisk> {
    const library = workspace.file("slow-sync.so");
    const command = [findCompiler() ?? "gcc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE];
    const compiler = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
    if ((await compiler.exited) !== 0) throw new Error(`Cannot compile ${SOURCE}`);
    const disk = new SlowDisk(workspace);
    await workspace.write("sync-notes", "");
    await disk.takes(syncMs);
    return disk;
  }

  /** From now on a sync takes so long; one that has begun ends as it would have. */
  async takes(syncMs: number): Promise<void> {
    // Whole or not at all: it may be read at any time.
    const written = await this.#workspace.write("sync-ms.new", String(syncMs));
    await rename(written, this.#workspace.file("sync-ms"));
  }

  /** How many syncs have begun, and how many of them go on. */
  async syncs(): Promise<{ readonly begun: number; readonly running: number }> {
    const notes = await this.#workspace.read("sync-notes");
    const begun = notes.split("b").length - 1;
    return { begun, running: begun - (notes.length - begun) };
  }
}
