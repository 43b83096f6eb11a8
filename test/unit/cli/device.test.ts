import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Terminal } from "./terminal.ts";

describe("posthorn device", () => {
  test("add prints the id and the secret, once, and says that it is the only time", async () => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run(
      "device",
      "add",
      "42",
      "--name",
      "front door",
    );
    const [made, ...more] = stderr.split("\n");
    expect(made).toEndWith(
      `warn  store.made          file="${terminal.workspace.file("data/posthorn.db")}" leftovers=[]`,
    );
    expect([code, more]).toEqual([0, ["Keep the secret: it cannot be shown again", ""]]);
    expect(stdout).toMatch(/^id {6}42\nsecret {2}phd_[\w-]{32}\n$/);
    const [, secret = ""] = /secret +(\S+)/.exec(stdout) ?? [];
    const listed = await terminal.run("device", "list");
    expect(listed.stdout).toMatch(/^42 +offline {2}never seen +front door\n$/);
    expect(listed.stdout).not.toContain(secret);
  });

  test("add makes an id where none is given, and prints nothing but JSON with --json", async () => {
    await using terminal = await Terminal.open();
    await terminal.run("device", "add", "first");
    const { stdout, stderr } = await terminal.run("device", "add", "--json");
    const { id, secret, ...others } = JSON.parse(stdout);
    expect([id, secret, others, stderr]).toEqual([
      expect.stringMatching(/^[\da-f-]{36}$/),
      expect.stringMatching(/^phd_/),
      {},
      "",
    ]);
  });

  test("add keeps meta as it was written, and lets a terminal enroll where it is told to", async () => {
    await using terminal = await Terminal.open();
    const meta = '{"sim":89860012345678901234}';
    await terminal.run("device", "add", "42", "--meta", meta, "--enroll");
    const { stdout } = await terminal.run("device", "list", "--json");
    expect(stdout).toContain(`"meta":${meta},"enrollment":"open"`);
  });

  test("list --json is one JSON array, also of no device", async () => {
    await using terminal = await Terminal.open();
    await terminal.run("device", "add", "gone");
    await terminal.run("device", "remove", "gone");
    expect(JSON.parse((await terminal.run("device", "list", "--json")).stdout)).toEqual([]);
    await terminal.run("device", "add", "b", "--name", 'say "b"');
    await terminal.run("device", "add", "a");
    const { stdout } = await terminal.run("device", "list", "--json");
    const listed = {
      meta: {},
      enrollment: "closed",
      online: false,
      created_at: expect.any(String),
    };
    expect(JSON.parse(stdout)).toEqual([
      { ...listed, id: "a", name: "" },
      { ...listed, id: "b", name: 'say "b"' },
    ]);
  });

  test("list says what to do where there is no device yet", async () => {
    await using terminal = await Terminal.open();
    await terminal.run("device", "add", "gone");
    await terminal.run("device", "remove", "gone");
    expect(await terminal.run("device", "list")).toEqual({
      code: 0,
      stdout: "",
      stderr: "There are no devices yet. Add one: posthorn device add\n",
    });
  });

  test.each(["list", "rotate 42", "remove 42"])(
    "%s makes no store where there is none, and says where it looked",
    async (words) => {
      await using terminal = await Terminal.open();
      const { code, stderr } = await terminal.run("device", ...words.split(" "));
      expect(code).toBe(1);
      expect(stderr).toContain("posthorn.db; server.data and the directory of this command");
      expect(existsSync(terminal.workspace.file("data"))).toBe(false);
    },
  );

  test("rotate prints another secret, remove removes", async () => {
    await using terminal = await Terminal.open();
    const added = JSON.parse((await terminal.run("device", "add", "42", "--json")).stdout);
    const rotated = JSON.parse((await terminal.run("device", "rotate", "42", "--json")).stdout);
    expect([rotated.id, rotated.secret === added.secret]).toEqual(["42", false]);
    expect(await terminal.run("device", "remove", "42")).toMatchObject({ code: 0, stdout: "" });
    expect((await terminal.run("device", "list")).stdout).toBe("");
  });

  test.each([
    [["add", "42"], 'Cannot add device: the id "42" is taken'],
    [["rotate", "43"], 'Cannot find device: there is no device "43"'],
    [["remove", "43"], 'Cannot find device: there is no device "43"'],
  ])("%j ends with 1 where that cannot be done", async (argv, message) => {
    await using terminal = await Terminal.open();
    await terminal.run("device", "add", "42");
    const result = await terminal.run("device", ...argv);
    expect(result).toEqual({ code: 1, stdout: "", stderr: `${message}\n` });
  });

  test.each([
    [[], "Cannot run posthorn device: wanted one of add, list, rotate, remove"],
    [["ad"], 'Cannot run posthorn device "ad": did you mean add?'],
    [["banana"], "wanted one of add, list, rotate, remove"],
    [["constructor"], "wanted one of add, list, rotate, remove"],
    [["rotate"], "Cannot go on without the id of a device"],
    [["remove", "1", "2"], 'Cannot use "2": nothing more was expected'],
    [["add", "not an id"], 'Cannot parse device id: got "not an id", wanted 1 to 64 of'],
    [["add", "x", "--nmae", "y"], "did you mean --name?"],
    [["add", "x", "--meta", "{"], "Cannot parse body: it is not JSON"],
    [["list", "--name", "x"], "Cannot use --name: there is no such option"],
    [["list", "42"], 'Cannot use "42": nothing more was expected'],
  ])("%j ends with 2 and touches no store", async (argv, message) => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run("device", ...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toEndWith("Try: posthorn help device\n");
    expect(await Bun.file(terminal.workspace.file("data/posthorn.db")).exists()).toBe(false);
  });

  test("add refuses a name that would break a line", async () => {
    await using terminal = await Terminal.open();
    const { code, stderr } = await terminal.run("device", "add", "--name", "a\nb");
    expect([code, stderr]).toEqual([1, expect.stringContaining("Cannot use device name")]);
  });

  test("add refuses meta that is no object", async () => {
    await using terminal = await Terminal.open();
    const { code, stderr } = await terminal.run("device", "add", "--meta", "[]");
    expect(code).toBe(1);
    expect(stderr).toEndWith("\nCannot use device meta: it is not a JSON object\n");
  });

  test("works on the store that --data or the configuration names", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("posthorn.toml", "[server]\ndata = 'configured'");
    await terminal.run("device", "add", "1");
    await terminal.run("device", "add", "2", "--data", "elsewhere");
    const idsIn = async (...args: string[]) => {
      const { stdout } = await terminal.run("device", "list", "--json", ...args);
      return JSON.parse(stdout).map(({ id }: { id: string }) => id);
    };
    expect([await idsIn(), await idsIn("--data", "elsewhere")]).toEqual([["1"], ["2"]]);
    expect(await Bun.file(terminal.workspace.file("configured/posthorn.db")).exists()).toBe(true);
  });

  test("ends with 1 and in words where the store cannot be opened", async () => {
    await using terminal = await Terminal.open();
    const file = await terminal.workspace.write("file", "");
    const { code, stderr } = await terminal.run("device", "add", "--data", file);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Cannot open database")]);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
