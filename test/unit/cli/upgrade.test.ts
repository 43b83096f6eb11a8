import { describe, expect, test } from "bun:test";
import type { CommandContext } from "../../../src/cli/command.ts";
import { createUpgrade } from "../../../src/cli/upgrade.ts";
import type { Log, LogFields } from "../../../src/core/ports/log.ts";

/** Hands over lines as they come. */
function awaitedLog() {
  const lines: string[] = [];
  let changed = Promise.withResolvers<void>();
  const write = (event: string, fields: LogFields = {}) => {
    lines.push(`${event} ${fields["detail"] ?? ""} | ${fields["remedy"] ?? ""}`);
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const log: Log = { debug: write, info: write, warn: write, error: write };
  async function line(event: string): Promise<string> {
    for (;;) {
      const found = lines.find((it) => it.startsWith(event));
      if (found !== undefined) return found;
      await changed.promise;
    }
  }
  return { log, lines, line };
}

function upgradeTo(command: readonly [string, ...string[]], log: Log) {
  const own = { pid: process.pid, command, isStandalone: true };
  const context = { own, env: process.env, cwd: process.cwd() } as unknown as CommandContext;
  return createUpgrade(["--config", "c"], context, { log, isGiven: () => false });
}

describe("createUpgrade()", () => {
  test.each([
    ["process.exit(3)", "the new process ended with 3 before it took over"],
    ["process.exit(0)", "the new process ended without taking over"],
    ["process.kill(process.pid, 'SIGKILL')", "the new process ended by SIGKILL"],
  ])("says of a successor that does %s that this process serves on", async (code, why) => {
    const { log, line } = awaitedLog();
    upgradeTo([process.execPath, "-e", code], log)();
    const failed = await line("upgrade.failed");
    expect(failed).toStartWith(`upgrade.failed ${why}`);
    expect(failed).toContain("this process serves on | Mend what the lines above say, then send");
  });

  test("says in words that there is no program to start, once", async () => {
    const { log, line, lines } = awaitedLog();
    const upgrade = upgradeTo(["/posthorn-is-not-here"], log);
    upgrade();
    const failed = await line("upgrade.failed");
    expect(failed).toContain("cannot start /posthorn-is-not-here: there is no such file");
    expect(failed).toContain("| Put an executable there");
    expect(lines.map((it) => it.split(" ")[0])).toEqual(["upgrade.started", "upgrade.failed"]);
  });

  test("starts no second successor while the first one has not ended, and one after it", async () => {
    const { log, line, lines } = awaitedLog();
    const upgrade = upgradeTo([process.execPath, "-e", "setInterval(() => {}, 1000)"], log);
    upgrade();
    upgrade();
    const running = await line("upgrade.running");
    const pid = Number(/process (\d+), started before/.exec(running)?.[1]);
    expect(running).toContain(`end it (kill ${pid})`);
    process.kill(pid);
    await line("upgrade.failed");
    expect(lines.filter((it) => it.startsWith("upgrade.started"))).toHaveLength(1);
    upgrade();
    expect(lines.filter((it) => it.startsWith("upgrade.started"))).toHaveLength(2);
    upgrade();
    const again = lines.findLast((it) => it.startsWith("upgrade.running"));
    process.kill(Number(/process (\d+)/.exec(again ?? "")?.[1]));
  });
});
