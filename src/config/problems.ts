import { Fault } from "../core/faults.ts";

const VALUE_MAX_CHARS = 60;

/** Where a setting came from. */
export interface Origin {
  readonly kind: "file" | "environment" | "flag" | "default";
  /** `posthorn.toml:4`, `POSTHORN_SERVER__PORT`, `--port`. */
  readonly name: string;
}

/** One thing wrong with the configuration. */
export interface Problem {
  /** The key in dots, or the name of a variable that sets none. */
  readonly key: string;
  readonly origin: Origin;
  /** What was found and what was wanted. Never the value of a secret. */
  readonly message: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Fault {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super("config_invalid", { detail: summaryOf(problems) });
    this.problems = problems;
  }
}

/** One line on one problem. */
export function formatProblem({ key, origin, message }: Problem): string {
  return key === "" ? `${origin.name}: ${message}` : `${key} (${origin.name}): ${message}`;
}

/** A value found where another was wanted, short and on one line; of a secret only its kind. */
export function describeValue(value: unknown, isSecret = false): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  if (isSecret) {
    return typeof value === "string" ? `a text of ${value.length} characters` : `a ${typeof value}`;
  }
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > VALUE_MAX_CHARS ? `${text.slice(0, VALUE_MAX_CHARS)}…` : text;
}

function summaryOf(problems: readonly Problem[]): string {
  const lines = problems.map(formatProblem);
  if (lines.length === 1) return lines.join();
  return [`${lines.length} problems`, ...lines].join("\n  ");
}
