import { expect, setDefaultTimeout, test } from "bun:test";
import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PLACES } from "../../src/cli/install/unit-file.ts";
import { runCli, runCliOk } from "../support/cli.ts";
import { Posthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** Somebody without any rights; only root can become him. */
const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;
const AS_NOBODY = [
  "setpriv",
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  "--clear-groups",
  "--no-new-privs",
  "--bounding-set=-all",
];

test("posthorn install --root makes an image, and leaves what is right when it runs again", async () => {
  await using workspace = await Workspace.make();
  const first = await runCliOk(EXECUTABLE, ["install", "--root", "root"], { workspace });
  expect(first.match(/: new$/gm)).toHaveLength(6);
  const config = await workspace.read(join("root", PLACES.config));
  const again = await runCliOk(EXECUTABLE, ["install", "--root", "root"], { workspace });
  expect(again.match(/: unchanged$/gm)).toHaveLength(5);
  const path = workspace.file(join("root", PLACES.config));
  expect(first).toContain(`Every machine that is made of this image has the secrets in ${path},`);
  expect(again).toEndWith(`\n${path}: kept\n`);
  expect(await workspace.read(join("root", PLACES.config))).toBe(config);
  const modes = [PLACES.executable, PLACES.config, PLACES.unit].map(async (path) => {
    return (await stat(workspace.file(join("root", path)))).mode & 0o777;
  });
  expect(await Promise.all(modes)).toEqual([0o755, 0o640, 0o644]);
  const checked = await runCli(EXECUTABLE, ["check", "--config", `root${PLACES.config}`], {
    workspace,
    env: { POSTHORN_SERVER__DATA: "./data", POSTHORN_SERVER__PORT: "0" },
  });
  expect([checked.code, checked.stderr]).toEqual([0, ""]);
});

test("without root, or without systemd, posthorn install says what to do instead", async () => {
  await using workspace = await Workspace.make();
  const { code, stderr } = await runCli(EXECUTABLE, ["install"], { workspace });
  const wanted = IS_ROOT
    ? "put the files of an image in place with --root DIR"
    : "run it with sudo";
  expect([code, stderr]).toEqual([1, expect.stringContaining(wanted)]);
});

test("the service runs from its ExecStart without any rights, and tells systemd when it serves", async () => {
  await using workspace = await Workspace.make();
  await runCliOk(EXECUTABLE, ["install", "--root", "root"], { workspace });
  const root = workspace.file("root");
  const notes = await fakeSystemdNotify(workspace);
  const data = join(root, PLACES.data);
  await mkdir(data, { recursive: true });
  if (IS_ROOT) await giveAway(workspace, [data, notes, join(root, PLACES.config)]);
  const command = [...(IS_ROOT ? AS_NOBODY : []), ...(await execStart(root)), "--data", data];
  // What systemd gives to a service, and no more.
  const env = {
    PATH: `${workspace.file("bin")}:/usr/bin:/bin`,
    NOTIFY_SOCKET: "/run/systemd/notify",
    STATE_DIRECTORY: PLACES.data,
  };
  await using server = new Posthorn([...command, "--port", "0"], workspace, {
    env,
    ownsWorkspace: false,
  });
  await server.listening();
  const status = JSON.parse(
    await runCliOk(EXECUTABLE, ["status", "--json", "--data", data], { workspace }),
  );
  expect(status).toMatchObject({ ready: true, pid: server.pid, version: expect.any(String) });
  expect((await stat(join(data, "posthorn.db"))).uid).toBe(
    IS_ROOT ? NOBODY : (process.getuid?.() ?? 0),
  );
  expect(await server.stop()).toBe(0);
  expect(await Bun.file(notes).text()).toBe(`--ready --pid=${server.pid}\n`);
  expect(server.logged("systemd.untold")).toEqual([]);
});

/** The line as systemd would run it, with the image's directory in front. */
async function execStart(root: string): Promise<string[]> {
  const unit = await Bun.file(join(root, PLACES.unit)).text();
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  return line.split(" ").map((word) => (word.startsWith("/") ? join(root, word) : word));
}

/** Gives the file in which it notes what it was told. */
async function fakeSystemdNotify(workspace: Workspace): Promise<string> {
  await mkdir(workspace.file("bin"));
  const notes = await workspace.write("notes", "");
  const program = await workspace.write("bin/systemd-notify", `#!/bin/sh\necho "$@" >> ${notes}\n`);
  await chmod(program, 0o755);
  return notes;
}

async function giveAway(workspace: Workspace, paths: readonly string[]): Promise<void> {
  await chmod(workspace.path, 0o755);
  for (const path of paths) await chown(path, NOBODY, NOBODY);
}
