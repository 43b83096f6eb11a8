import { describe, expect, test } from "bun:test";
import manifest from "../../../package.json" with { type: "json" };
import { COMMANDS } from "../../../src/cli/commands.ts";
import { VERSION } from "../../../src/version.ts";
import { Terminal } from "./terminal.ts";

describe("runCli()", () => {
  test("prints every command to who asks for help, and ends with 0", async () => {
    await using terminal = await Terminal.open();
    for (const argv of [["help"], ["--help"], ["-h"]]) {
      const { code, stdout, stderr } = await terminal.run(...argv);
      expect([code, stderr]).toEqual([0, ""]);
      for (const { name, summary } of COMMANDS) {
        expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary}$`, "m"));
      }
    }
  });

  test("prints the same on stderr to who says nothing, and ends with 2", async () => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe((await terminal.run("help")).stdout);
  });

  test.each(COMMANDS.map(({ name, usage }) => [name, usage] as const))(
    "prints how to use %s",
    async (name, usage) => {
      await using terminal = await Terminal.open();
      for (const argv of [
        ["help", name],
        [name, "--help"],
        [name, "-h"],
        [name, "--x", "--help"],
      ]) {
        const { code, stdout } = await terminal.run(...argv);
        expect([code, stdout]).toEqual([0, expect.stringContaining(usage)]);
      }
      expect(usage).toStartWith(`Usage: posthorn ${name}`);
    },
  );

  test.each([
    [["vresion"], 'Cannot run "vresion": there is no such command, did you mean version?', "help"],
    [["help", "tokn"], 'Cannot run "tokn": there is no such command, did you mean token?', "help"],
    [["banana"], 'Cannot run "banana": there is no such command, known are ', "help"],
    [["--config", "x", "check"], 'Cannot run "--config"', "help"],
    [
      ["version", "--jsn"],
      "Cannot use --jsn: there is no such option, did you mean --json?",
      "help version",
    ],
    [
      ["version", "-x"],
      "Cannot use -x: there is no such option, known here: --json",
      "help version",
    ],
    [["version", "--json=1"], "Cannot use --json: it takes no value", "help version"],
    [["version", "--json", "--json"], "Cannot use --json twice", "help version"],
    [["version", "now"], 'Cannot use "now": nothing more was expected', "help version"],
    [["version", "--", "--help"], 'Cannot use "--help": nothing more was expected', "help version"],
    [["check", "--config"], "Cannot use --config: it wants a value", "help check"],
    [["check", "--config", "--json"], "Cannot use --config: it wants a value", "help check"],
    [
      ["check", "--constructor", "x"],
      "Cannot use --constructor: there is no such option",
      "help check",
    ],
  ])("ends with 2 after %j and says what would be right", async (argv, message, hint) => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith(message);
    expect(stderr).toEndWith(`\nTry: posthorn ${hint}\n`);
  });

  test("takes a value that starts with a dash when it is tied to its option", async () => {
    await using terminal = await Terminal.open();
    const { stderr } = await terminal.run("check", "--config=-x.toml");
    expect(stderr).toStartWith("Cannot read configuration file -x.toml: there is no such file");
  });
});

describe("posthorn version", () => {
  test("prints the version of package.json", async () => {
    await using terminal = await Terminal.open();
    expect(VERSION).toBe(manifest.version);
    for (const argv of [["version"], ["--version"], ["-V"]]) {
      expect(await terminal.run(...argv)).toEqual({
        code: 0,
        stdout: `posthorn ${VERSION}\n`,
        stderr: "",
      });
    }
    const { stdout } = await terminal.run("version", "--json");
    expect(JSON.parse(stdout)).toEqual({ version: VERSION });
  });
});
