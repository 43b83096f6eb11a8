import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { addDevice } from "../support/cli.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const ROOT = resolve(import.meta.dir, "../..");
const FLEET_KEY = "a-fleet-key-of-the-readme-0123456789";
const CONFIG = {
  api: { keys: [BACKEND_KEY] },
  devices: { fleet_keys: [FLEET_KEY] },
  push: {
    jpush: { provider: "jpush", url: "http://127.0.0.1:9", app_key: "key", secret: "secret" },
  },
};

/** What a reader of the guide would paste, from its heading to the Kotlin. */
const GUIDES = [
  { file: "README.md", from: "## Building the terminal", to: "### In Kotlin" },
  { file: "README.zh-CN.md", from: "## 编写终端程序", to: "### Kotlin" },
];

describe.each(GUIDES)("the guide for terminals in $file", ({ file, from, to }) => {
  test("has only commands that work as they are written", async () => {
    await using workspace = await Workspace.make();
    await using server = await startPosthorn(EXECUTABLE, { workspace, config: CONFIG });
    const blocks = shellBlocks(await Bun.file(resolve(ROOT, file)).text(), { from, to });
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    // The one that enrolls the device goes first here: there is none before it.
    const enrolling = blocks.filter((block) => block.includes("/v1/enroll"));
    const enrolled = await run(enrolling.join("\n"), { URL: server.url, FLEET_KEY });
    const { secret } = JSON.parse(enrolled);
    expect(secret).toBeString();

    const backend = new Backend(server.url);
    const sent = await backend.post("/v1/devices/kiosk-7/commands", '{"type":"open"}');
    const environment = { URL: server.url, SECRET: secret, COMMAND: JSON.parse(sent.text).id };
    for (const block of blocks.filter((it) => !enrolling.includes(it))) {
      await run(block, environment);
    }
    const { text } = await backend.get(`/v1/devices/kiosk-7/commands/${environment.COMMAND}`);
    expect(JSON.parse(text)).toMatchObject({ status: "done", result: { ok: true } });
  });
});

test("the first lines of the README's backend work as they are written", async () => {
  await using workspace = await Workspace.make();
  await using server = await startPosthorn(EXECUTABLE, { workspace, config: CONFIG });
  const text = await Bun.file(resolve(ROOT, "README.md")).text();
  const [block = ""] = shellBlocks(text, { from: "### The backend talks", to: "| route |" });
  // Nobody is there to obey it, and this test has no time to wait.
  const hasty = block.replace('"wait":20', '"wait":0');
  expect(hasty).not.toBe(block);
  await run(hasty, { URL: server.url, KEY: BACKEND_KEY });
  await addDevice(EXECUTABLE, workspace, "another");
  const { text: list } = await new Backend(server.url).get("/v1/users/anna/devices");
  expect(JSON.parse(list)).toMatchObject({ devices: [{ id: "kiosk-7", commands: ["open"] }] });
});

function shellBlocks(text: string, { from, to }: { from: string; to: string }): readonly string[] {
  const start = text.indexOf(from);
  const end = text.indexOf(to, start);
  expect({ from, start: start > 0, end: end > start }).toEqual({ from, start: true, end: true });
  return [...text.slice(start, end).matchAll(/```sh\n([\s\S]*?)```/g)].map(
    ([, block = ""]) => block,
  );
}

/** Runs what was pasted; a refusal is a failure, and its words are in the error. */
async function run(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const strict = 'set -euo pipefail\ncurl() { command curl -sS --fail-with-body "$@"; echo; }\n';
  const child = Bun.spawn(["bash", "-c", strict + script], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ code, said: code === 0 ? "" : `${script}${out}${err}` }).toEqual({ code: 0, said: "" });
  return out;
}
