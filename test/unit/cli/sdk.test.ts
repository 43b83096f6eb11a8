import { describe, expect, test } from "bun:test";
import { SDK_FILES } from "../../../src/sdk/generated/sdk-files.ts";
import { Terminal } from "./terminal.ts";

describe("posthorn sdk", () => {
  test("writes every file and says where", async () => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run("sdk", "--out", "lib", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const paths: string[] = JSON.parse(stdout);
    expect(paths).toContain("lib/posthorn.miniprogram.js");
    for (const path of paths) {
      const text = await Bun.file(terminal.workspace.file(path)).text();
      expect(text).toBe(SDK_FILES[path.slice("lib/".length)] ?? "");
    }
    expect(paths).toHaveLength(Object.keys(SDK_FILES).length);
  });

  test("replaces what an older version wrote", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("posthorn.js", "old");
    expect((await terminal.run("sdk", "--out", ".")).code).toBe(0);
    const text = await Bun.file(terminal.workspace.file("posthorn.js")).text();
    expect(text).toBe(SDK_FILES["posthorn.js"] ?? "");
  });

  test("is used wrongly without --out", async () => {
    await using terminal = await Terminal.open();
    const { code, stderr } = await terminal.run("sdk");
    expect(code).toBe(2);
    expect(stderr).toContain("--out");
  });

  test("says why it cannot write", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("taken", "a file");
    const { code, stderr } = await terminal.run("sdk", "--out", "taken");
    expect(code).toBe(1);
    expect(stderr).toContain("Cannot write to");
  });
});
