import type { Clock } from "../core/ports/clock.ts";
import type { Log, LogEvent, LogFields } from "../core/ports/log.ts";
import { clip, describeError, isSecretName } from "./safe-fields.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LEVELS)[number];
export type LogFormat = "json" | "text";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly clock: Clock;
  /** Receives whole lines. */
  readonly write: (line: string) => void;
}

/** Of one event; more are counted and told with the next one. What strangers send can make warnings, too. */
const LINES_PER_EVENT_PER_SECOND = 50;
/** Errors are rare, and each may be the one that explains the others; but a store that fails fails every post. */
const ERRORS_PER_EVENT_PER_SECOND = 200;

/** A log of which can be said anew what is too unimportant for it. */
export interface LeveledLog extends Log {
  setLevel(level: LogLevel): void;
}

/** Writes one line per event: JSON for machines, or words for a person at a terminal. */
export function createLog(options: LogOptions): LeveledLog {
  let lowest = LEVELS.indexOf(options.level);
  const budget = new LineBudget(options.clock);

  function writer(level: LogLevel): (event: LogEvent, fields?: LogFields) => void {
    const rank = LEVELS.indexOf(level);
    const linesMax = level === "error" ? ERRORS_PER_EVENT_PER_SECOND : LINES_PER_EVENT_PER_SECOND;
    return (event, fields = {}) => {
      if (rank < lowest) return;
      const suppressed = budget.spend(event, linesMax);
      if (suppressed === "spent") return;
      const counted = suppressed > 0 ? { ...fields, suppressed } : fields;
      options.write(render({ ...options, level, event, fields: counted }));
    };
  }

  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    setLevel(level) {
      lowest = LEVELS.indexOf(level);
    },
  };
}

interface Line {
  readonly level: LogLevel;
  readonly event: LogEvent;
  readonly fields: LogFields;
  readonly format: LogFormat;
  readonly clock: Clock;
}

function render({ level, event, fields, format, clock }: Line): string {
  const time = new Date(clock.nowMs()).toISOString();
  const safe = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [[name, isSecretName(name) ? "[secret]" : safeValue(value)] as const];
  });
  if (format === "json") {
    return JSON.stringify({ time, level, event, ...Object.fromEntries(safe) });
  }
  const words = safe.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [time.slice(11, 23), level.padEnd(5), event.padEnd(19), ...words].join(" ");
}

function safeValue(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  return typeof value === "string" ? clip(value) : value;
}

/** Keeps a busy or hostile second from filling the disk with lines. */
class LineBudget {
  readonly #clock: Clock;
  readonly #spent = new Map<LogEvent, { second: number; lines: number; suppressed: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** "spent" when the line must not be written, else how many were suppressed before it. */
  spend(event: LogEvent, linesMax: number): number | "spent" {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    const entry = this.#spent.get(event) ?? { second, lines: 0, suppressed: 0 };
    this.#spent.set(event, entry);
    if (entry.second !== second) {
      entry.second = second;
      entry.lines = 0;
    }
    if (entry.lines >= linesMax) {
      entry.suppressed += 1;
      return "spent";
    }
    entry.lines += 1;
    const { suppressed } = entry;
    entry.suppressed = 0;
    return suppressed;
  }
}
