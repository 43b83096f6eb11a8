import { addressBlock } from "./address-block.ts";
import { Fault, type FaultCode } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { isLoopback } from "./loopback.ts";
import type { Clock } from "./ports/clock.ts";
import type { LoginOutcome, LoginProvider, LoginRefusal } from "./ports/login-provider.ts";
import type { Metrics } from "./ports/metrics.ts";

/** One way to log in. */
export interface Login {
  readonly provider: LoginProvider;
  /** What users of this login begin with, so that nobody of another is taken for one of them. */
  readonly prefix: string;
}

/** Who somebody is, by the word of the platform that their mini-program runs on. */
export interface Logins {
  /**
   * The user that the login of this name knows by this code, which somebody at this address brings.
   * Throws `login_unknown`, `login_busy`, `login_unavailable`, `login_failed`, or why the code lets
   * nobody in.
   */
  identify(name: string, code: string, address: string): Promise<string>;
}

export interface LoginsOptions {
  /** By their names. They may change. */
  readonly logins: Pick<ReadonlyMap<string, Login>, "get" | "has">;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** A question to a provider that has no answer yet. */
interface Asking {
  readonly block: string;
  readonly user: Promise<string>;
}

type Failure = Exclude<LoginOutcome, { readonly outcome: "known" | "refused" }>;

const REFUSALS = {
  code_invalid: ["login_code_invalid", "the code is wrong or too old, get another"],
  code_used: ["login_code_used", "the code was used before, get another"],
  user_blocked: ["login_user_blocked", "the provider holds this user for a risk"],
  too_often: ["login_rate_exceeded", "the provider wants this user to wait a minute"],
} as const satisfies Record<LoginRefusal, readonly [FaultCode, string]>;

/** What the user is told; what the provider said is for the log. */
const FAILURES = {
  busy: ["login_unavailable", "it is busy"],
  unreachable: ["login_unavailable", "it does not answer"],
  stopped: ["login_unavailable", "an operator of this server has to look into it"],
  odd: ["login_failed", "its answer is none of those that it documents"],
} as const satisfies Record<Failure["outcome"], readonly [FaultCode, string]>;

/** What a refusal quotes. */
const NAME_MAX_CHARS = 60;

export function createLogins({ logins, clock, metrics }: LoginsOptions): Logins {
  /** By login and code: a code is good once, and a phone that repeats a request must not lose by it. */
  const asking = new Map<string, Asking>();

  function checkRoom(address: string): void {
    const all = asking.size;
    if (all >= LIMITS.loginsAtATime) {
      throw new Fault("login_busy", { detail: `${all} others are logging in` });
    }
    // Behind a proxy on this machine everybody comes from here.
    if (isLoopback(address)) return;
    const block = addressBlock(address);
    const own = [...asking.values()].filter((it) => it.block === block).length;
    if (own >= LIMITS.loginsAtATimePerAddress) {
      throw new Fault("login_busy", { detail: `${own} others of this address are logging in` });
    }
  }

  async function ask(name: string, { provider, prefix }: Login, code: string): Promise<string> {
    let outcome = await provider.identify(code);
    if (outcome.outcome === "busy") {
      await passed(LIMITS.loginRetryMs, clock);
      outcome = await provider.identify(code);
    }
    const counted = outcome.outcome === "refused" ? outcome.reason : outcome.outcome;
    metrics.count("posthorn_logins_total", { login: name, outcome: counted });
    if (outcome.outcome === "known") return prefix + outcome.id;
    throw toFault(name, outcome);
  }

  return {
    async identify(name, code, address) {
      const login = logins.get(name);
      if (login === undefined) {
        const found = JSON.stringify(name.slice(0, NAME_MAX_CHARS));
        const detail = `got ${found}, wanted the name of a table [logins.<name>]`;
        throw new Fault("login_unknown", { detail });
      }
      const key = `${name} ${code}`;
      const running = asking.get(key);
      if (running !== undefined) return running.user;
      checkRoom(address);
      const user = ask(name, login, code).finally(() => asking.delete(key));
      asking.set(key, { block: addressBlock(address), user });
      return user;
    },
  };
}

function toFault(name: string, outcome: Exclude<LoginOutcome, { outcome: "known" }>): Fault {
  if (outcome.outcome === "refused") {
    const [code, words] = REFUSALS[outcome.reason];
    return new Fault(code, { detail: `${words} (logins.${name}: it ${outcome.why})` });
  }
  const [code, detail] = FAILURES[outcome.outcome];
  const cause = new Error(`logins.${name}: it ${outcome.why}`);
  return new Fault(code, { detail, cause });
}

function passed(delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}
