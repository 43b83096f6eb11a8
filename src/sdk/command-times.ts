import type { CommandOptions } from "./posthorn.d.ts";

const TIMEOUT_MS = 30_000;

/** A day; beyond 24 days timers of JavaScript would be over at once. */
const TIMEOUT_MAX_MS = 86_400_000;

/** What the server takes. */
const TTL_MAX_SECONDS = 2_592_000;

/** Until when a command is waited for, and until when a device may pick it up: both from the call on. */
export interface CommandTimes {
  readonly timeoutMs: number;
  readonly ttlMs: number;
}

/** Reads the times of a command, or throws a TypeError. */
export function readTimes({ timeout = TIMEOUT_MS, ttl }: CommandOptions): CommandTimes {
  check("timeout", timeout, [TIMEOUT_MAX_MS, "milliseconds"]);
  if (ttl === undefined) return { timeoutMs: timeout, ttlMs: timeout };
  check("ttl", ttl, [TTL_MAX_SECONDS, "seconds"]);
  return { timeoutMs: timeout, ttlMs: ttl * 1000 };
}

function check(name: string, value: unknown, [most, unit]: readonly [number, string]): void {
  if (typeof value === "number" && value >= 1 && value <= most) return;
  const found = typeof value === "string" ? `"${value}"` : String(value);
  throw new TypeError(
    `Cannot send a command: ${name} is ${found}, wanted a number of ${unit} from 1 to ${most}`,
  );
}
