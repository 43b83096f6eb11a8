import { describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { readConfig } from "../../../src/cli/read-config.ts";
import { Workspace } from "../../support/workspace.ts";

describe("readConfig()", () => {
  test("reads ./posthorn.toml and says that it did", async () => {
    await using workspace = await Workspace.make();
    const file = await workspace.write("posthorn.toml", "[server]\nport = 1\ndata = 'd'");
    const found = await readConfig({ env: {}, cwd: workspace.path }, {});
    expect(found.file).toBe(file);
    expect(found.config.server.port).toBe(1);
    expect(found.config.store.location).toEqual({ file: workspace.file("d/posthorn.db") });
  });

  test("reads the named file instead, and lays variables and flags over it", async () => {
    await using workspace = await Workspace.make();
    await workspace.write("posthorn.toml", "not even TOML");
    const file = await workspace.write("other.toml", "[server]\nport = 1\n[login]\nreply = 'file'");
    const env = { POSTHORN_SERVER__PORT: "2", POSTHORN_LOGIN__REPLY: "environment" };
    const args = { config: "other.toml", port: "3" };
    const found = await readConfig({ env, cwd: workspace.path }, args);
    expect([found.file, found.config.server.port, found.config.login.reply]).toEqual([
      file,
      3,
      "environment",
    ]);
  });

  test("makes do with defaults and variables where there is no file", async () => {
    await using workspace = await Workspace.make();
    const env = { POSTHORN_SERVER__PORT: "2" };
    const found = await readConfig({ env, cwd: workspace.path }, {});
    expect([found.file, found.config.server.port]).toEqual([undefined, 2]);
  });

  test.each([
    ["nowhere.toml", "there is no such file or directory (ENOENT)"],
    [".", "it is a directory (EISDIR)"],
    ["posthorn.toml/x", "a part of the path is no directory (ENOTDIR)"],
  ])("refuses the named file %s, which cannot be read", async (config, reason) => {
    await using workspace = await Workspace.make();
    await workspace.write("posthorn.toml", "");
    await expect(readConfig({ env: {}, cwd: workspace.path }, { config })).rejects.toMatchObject({
      name: "UsageError",
      message: `Cannot read configuration file ${config}: ${reason}`,
    });
  });

  test("does not pass over a ./posthorn.toml that it cannot read", async () => {
    await using workspace = await Workspace.make();
    await mkdir(workspace.file("posthorn.toml"));
    await expect(readConfig({ env: {}, cwd: workspace.path }, {})).rejects.toThrow(
      "Cannot read configuration file posthorn.toml: it is a directory (EISDIR)",
    );
  });
});
