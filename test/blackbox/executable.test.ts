import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { FIRST_OFFSET } from "../support/device.ts";
import { Posthorn, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe("dist/posthorn", () => {
  test("starts in an empty directory with nothing on the path, and answers a post and a client", async () => {
    await using workspace = await Workspace.make();
    await using server = new Posthorn(
      [...EXECUTABLE.command, "serve", "--dev", "--port", "0"],
      workspace,
      { env: {}, ownsWorkspace: false },
    );
    await server.listening();
    const answer = await fetch(`${server.url}/v1/devices/42/events`, {
      method: "POST",
      headers: { authorization: "Bearer dev" },
      body: '{"type":"door.opened","data":{}}',
    });
    expect(answer.status).toBe(200);
    expect((await answer.json()).results[0].offset).toBe(FIRST_OFFSET);
  });

  test("does not care for a bunfig.toml, .env, package.json or tsconfig.json where it starts", async () => {
    await using workspace = await Workspace.make();
    const mark = workspace.file("preloaded");
    await workspace.write(
      "bunfig.toml",
      'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n',
    );
    await workspace.write(
      "evil.ts",
      `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`,
    );
    await workspace.write(".env", "POSTHORN_SERVER__PORT=1\nPOSTHORN_STORE__SYNC=never\n");
    await workspace.write("package.json", '{"name":"evil","imports":{"#x":"./evil.ts"}}');
    await workspace.write("tsconfig.json", '{"compilerOptions":{"paths":{"hono":["./evil.ts"]}}}');
    await mkdir(workspace.file("node_modules"));
    await using server = await startPosthorn(EXECUTABLE, { workspace });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await Bun.file(mark).exists()).toBe(false);
  });

  test("shows no source and no stack in what it answers", async () => {
    await using server = await startPosthorn(EXECUTABLE);
    for (const path of [
      "/",
      "/%",
      "/%ff",
      "/v1/devices/%E0%A4%A/events",
      "/..%2f..%2fetc/passwd",
    ]) {
      const answer = await fetch(`${server.url}${path}`, { method: "POST", body: "\0" });
      const text = await answer.text();
      expect(answer.status).toBeLessThan(500);
      expect(text).not.toMatch(/\bat \w+ \(|\.ts:|<html/);
    }
  });
});
