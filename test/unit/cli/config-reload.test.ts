import { describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { createConfigReload } from "../../../src/cli/config-reload.ts";
import { readConfig } from "../../../src/cli/read-config.ts";
import type { Config } from "../../../src/config/config.ts";
import { Fault } from "../../../src/core/faults.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { LogLevel } from "../../../src/telemetry/log.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

const KEY = "a-key-of-the-reload-tests-0123456789abcdef";

class LeveledRecordingLog extends RecordingLog {
  level: LogLevel = "info";

  setLevel(level: LogLevel): void {
    this.level = level;
  }
}

/** A server that was started with a file, and takes over what a test sees. */
class World implements AsyncDisposable {
  readonly log = new LeveledRecordingLog();
  readonly taken: Config[] = [];
  refusal: Error | undefined;
  reload: () => Promise<void> = async () => undefined;
  readonly #workspace: Workspace;

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  static async start(toml: string): Promise<World> {
    const world = new World(await Workspace.make());
    await world.write(toml);
    const context = { env: {}, cwd: world.#workspace.path };
    const found = await readConfig(context, {});
    const server = {
      reload: async (config: Config) => {
        if (world.refusal !== undefined) throw world.refusal;
        world.taken.push(config);
      },
    };
    const { log } = world;
    world.reload = createConfigReload({ found, context, server, log, metrics: UNCOUNTED });
    return world;
  }

  async write(toml: string): Promise<void> {
    await this.#workspace.write("posthorn.toml", toml);
  }

  async removeFile(): Promise<void> {
    await rm(this.#workspace.file("posthorn.toml"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workspace[Symbol.asyncDispose]();
  }
}

describe("a reload of the configuration", () => {
  test("lets the server take over what it can, and names what needs a restart", async () => {
    await using world = await World.start("[server]\nport = 9000");
    await world.write(
      "[server]\nport = 9001\n[limits]\nevents_per_post = 7\n[log]\nlevel = 'warn'",
    );
    await world.reload();
    expect(world.taken).toMatchObject([{ server: { port: 9000 }, limits: { eventsPerPost: 7 } }]);
    expect(world.log.level).toBe("warn");
    expect(world.log.lines).toEqual([
      {
        level: "warn",
        event: "config.restart_needed",
        fields: {
          setting: "server.port",
          is: "9000",
          wanted: "9001",
          remedy: expect.stringMatching(/^Send SIGUSR2/),
        },
      },
      {
        level: "info",
        event: "config.reloaded",
        fields: {
          changed: ["limits.events_per_post", "log.level"],
          needsRestart: ["server.port"],
        },
      },
    ]);
  });

  test("tells of it also where the log has errors only, and is as quiet as before then", async () => {
    await using world = await World.start("[log]\nlevel = 'error'\n[server]\ndata = 'a'");
    world.log.level = "error";
    const told: LogLevel[] = [];
    const { log } = world;
    for (const level of ["info", "warn"] as const) {
      const write = log[level].bind(log);
      Object.assign(log, {
        [level]: (...line: Parameters<typeof write>) => {
          told.push(log.level);
          write(...line);
        },
      });
    }
    await world.write("[log]\nlevel = 'error'\n[server]\ndata = 'b'");
    await world.reload();
    expect(told).toEqual(["info", "info"]);
    expect(log.level).toBe("error");
    const [needed] = log.of("config.restart_needed");
    expect(needed).toMatchObject({ is: "a", wanted: "b", remedy: "Restart the server" });
  });

  test("changes nothing where anything is wrong, and says all of it", async () => {
    await using world = await World.start("");
    await world.write("[limits]\nevents_per_pots = 7\n[log]\nlevel = 'loud'\n[login]\nreply = 'x'");
    await world.reload();
    expect(world.taken).toEqual([]);
    expect(world.log.level).toBe("info");
    expect(world.log.of("config.reload_failed")).toEqual([
      {
        problems: [
          "limits.events_per_pots (posthorn.toml:2): there is no such key, did you mean limits.events_per_post?",
          'log.level (posthorn.toml:4): got "loud", wanted one of "debug", "info", "warn", "error"',
        ],
      },
    ]);
  });

  test("compares with what holds, not with what was refused", async () => {
    await using world = await World.start("");
    await world.write("[log]\nlevel = 'loud'");
    await world.reload();
    world.refusal = new Fault("config_invalid", { detail: "tokens.rsa_public_key: no such file" });
    await world.write("[log]\nlevel = 'debug'\n[login]\nreply = 'x'");
    await world.reload();
    expect(world.log.of("config.reload_failed").at(-1)).toEqual({
      problems: ["Cannot use configuration: tokens.rsa_public_key: no such file"],
    });
    expect(world.log.level).toBe("info");
    world.refusal = undefined;
    await world.reload();
    expect(world.log.of("config.reloaded")).toMatchObject([
      { changed: ["login.reply", "log.level"] },
    ]);
  });

  test.each(["", "# all of it is a comment\n", "[api]\n[tokens]\n"])(
    "keeps everybody in whom %j would lock out",
    async (toml) => {
      await using world = await World.start(`[api]\nkeys = ['${KEY}']\n[login]\nreply = 'x'`);
      await world.write(toml);
      await world.reload();
      expect(world.taken).toEqual([]);
      const [failure] = world.log.of("config.reload_failed");
      expect(String(failure?.["problems"])).toMatch(/posthorn\.toml: got no.* restart the server/);
    },
  );

  test("takes an empty file where there never was a setting, and other keys for those that were", async () => {
    await using world = await World.start("");
    await world.reload();
    await world.write(`[api]\nkeys = ['${KEY}']`);
    await world.reload();
    await world.write(`[tokens]\nsecret = '${KEY}'`);
    await world.reload();
    expect(world.log.of("config.reload_failed")).toEqual([]);
    expect(world.taken).toHaveLength(3);
    await world.write("[login]\nreply = 'x'");
    await world.reload();
    const [failure] = world.log.of("config.reload_failed");
    expect(String(failure?.["problems"])).toContain("tokens.secret");
  });

  test("does not take the defaults for a file that is gone", async () => {
    await using world = await World.start("[login]\nreply = 'x'");
    await world.removeFile();
    await world.reload();
    expect(world.taken).toEqual([]);
    const [failure] = world.log.of("config.reload_failed");
    expect(String(failure?.["problems"])).toContain("posthorn.toml");
  });
});
