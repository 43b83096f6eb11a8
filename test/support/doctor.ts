import { runCli } from "./cli.ts";
import type { Target } from "./targets.ts";
import type { Workspace } from "./workspace.ts";

/** One finding of `posthorn doctor --json`. */
export interface FoundLine {
  readonly code: string;
  readonly area: string;
  readonly severity: "ok" | "warning" | "error";
  readonly found: string;
  readonly why?: string;
  readonly remedy?: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/** What a visit of the doctor ended with. */
export interface Diagnosis {
  readonly exitCode: number;
  readonly output: string;
  readonly findings: readonly FoundLine[];
  /** The codes of what is not well, each once, in the order of the alphabet. */
  readonly ills: readonly string[];
  /** The finding of this code, which has to be there. */
  one(code: string): FoundLine;
}

/** Runs `posthorn doctor --json` and reads what it found. */
export async function diagnose(
  target: Target,
  workspace: Workspace,
  args: readonly string[],
): Promise<Diagnosis> {
  const idle = args.includes("--idle") || args[0]?.startsWith("--") ? [] : ["--idle", "0"];
  const command = ["doctor", ...args, ...idle, "--json"];
  const { code, stdout, stderr } = await runCli(target, command, { workspace });
  if (stdout === "") throw new Error(`posthorn doctor said nothing: ${stderr}`);
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly FoundLine[] };
  const ills = findings.filter(({ severity }) => severity !== "ok").map((it) => it.code);
  return {
    exitCode: code,
    output: stdout + stderr,
    findings,
    ills: [...new Set(ills)].sort(),
    one(wanted) {
      const found = findings.find((it) => it.code === wanted);
      if (found === undefined) throw new Error(`No finding ${wanted} among: ${stdout}`);
      return found;
    },
  };
}
