import { type ChildProcess, spawn } from "node:child_process";
import type { Log } from "../core/ports/log.ts";
import type { CommandContext } from "./command.ts";
import { explainIo } from "./io-errors.ts";

/** The flag of `serve` that takes a running server's place. */
export const TAKEOVER = "--takeover";

interface UpgradeParts {
  readonly log: Log;
  /** The successor has everything, so that its end is no failure of the upgrade. */
  readonly isGiven: () => boolean;
}

const REMEDY = "Mend what the lines above say, then send SIGUSR2 again";
const SERVES_ON = "this process serves on";

/**
 * Makes what starts this program again, from the file as it is by now, to take over from this process.
 * Whatever becomes of it, this one serves until the new one has asked for everything. One at a time.
 */
export function createUpgrade(
  args: readonly string[],
  { own, env, cwd }: CommandContext,
  { log, isGiven }: UpgradeParts,
): () => void {
  let running: ChildProcess | undefined;

  function failed(detail: string, remedy = REMEDY): void {
    running = undefined;
    if (!isGiven()) log.error("upgrade.failed", { detail: `${detail}; ${SERVES_ON}`, remedy });
  }

  function cannotStart(program: string, error: unknown): void {
    const remedy = "Put an executable there, then send SIGUSR2 again";
    failed(`cannot start ${program}: ${explainIo(error)}`, remedy);
  }

  function start([program, ...before]: readonly [string, ...string[]]): void {
    const again = args.filter((it) => it !== TAKEOVER);
    const words = [...before, "serve", ...again, TAKEOVER];
    log.info("upgrade.started", { program });
    try {
      const child = spawn(program, words, { cwd, env: { ...env }, stdio: "inherit" });
      running = child;
      child.on("error", (error) => cannotStart(program, error));
      child.on("exit", (code, signal) => failed(endOf(code, signal)));
      // It outlives this process.
      child.unref();
    } catch (error) {
      cannotStart(program, error);
    }
  }

  return () => {
    if (own === undefined) return;
    if (running === undefined) return start(own.command);
    const { pid } = running;
    log.warn("upgrade.running", {
      detail: `process ${pid}, started before, has not taken over yet`,
      remedy: `Wait for it, or end it (kill ${pid}) and send SIGUSR2 again`,
    });
  };
}

function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === 0) return "the new process ended without taking over, as if all were done";
  const how = signal === null ? `with ${code}` : `by ${signal}`;
  return `the new process ended ${how} before it took over`;
}
