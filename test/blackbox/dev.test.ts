import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runCli } from "../support/cli.ts";
import { Device, FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { configure, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DEV = { args: ["--dev"], config: {} };

describe.each(TARGETS)("posthorn serve --dev on $name", (target) => {
  test("lets anyone listen to any device, and any device post with the secret dev", async () => {
    await using server = await startPosthorn(target, DEV);
    using login = await FrameSocket.open(`${server.wsUrl}/login`);
    expect((await login.command({ subscribe: { channel: "device:7" } })).subscribe).toBeDefined();
    using socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
    expect((await socket.command({ connect: {} })).connect).toBeDefined();
    await socket.command({ subscribe: { channel: "device:7" } });

    const device = new Device(server.url, { id: "7", secret: "dev" });
    expect((await device.post({ type: "t", data: 1 })).results[0]?.offset).toBe(FIRST_OFFSET);
    await login.publication("device:7", FIRST_OFFSET);
    await socket.publication("device:7", FIRST_OFFSET);
    const liar = new Device(server.url, { id: "7", secret: "guess" });
    expect((await liar.post({ type: "t", data: 1 })).status).toBe(401);
  });

  test("says on stderr what to try next, and each of it works", async () => {
    await using server = await startPosthorn(target, DEV);
    const [post = "", listen = "", look = ""] = await eventually(() => {
      const indented = server.output.split("\n").filter((line) => line.startsWith("  "));
      const tries = indented.map((line) => line.trim());
      return tries.length >= 3 ? tries : undefined;
    }, "the three things to try");
    expect(server.logs.items.every(({ event }) => event !== undefined)).toBe(true);
    using login = await FrameSocket.open(listen);
    await login.line(({ push }) => push?.connect !== undefined, "the connect push");
    // As a shell would take it apart; a test machine need not have curl.
    const [, url = "", header = "", body = ""] =
      /^curl (?:-k )?(\S+) -H '(.+?)' -d '(.+)'$/.exec(post) ?? [];
    const [name = "", value = ""] = header.split(": ");
    const answer = await fetch(url, { method: "POST", headers: { [name]: value }, body });
    expect((await answer.json()).results).toMatchObject([{ offset: FIRST_OFFSET }]);
    expect(await login.publication("device:demo", FIRST_OFFSET)).toContain('"temperature":21.5');
    const page = await fetch(look);
    expect([page.status, page.headers.get("content-type")]).toEqual([
      200,
      expect.stringContaining("text/html"),
    ]);
  });

  test("keeps to the loopback address, whatever the file says, and says that it is for development", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace, { server: { host: "0.0.0.0" } });
    await using server = await startPosthorn(target, { workspace, args: ["--dev"] });
    const line = await server.waitForLog("server.listening");
    expect(line["dev"]).toBe(true);
    for (const url of line["urls"] as readonly string[])
      expect(new URL(url).hostname).toBe("127.0.0.1");
    expect(await Bun.file(workspace.file("data/posthorn.db")).exists()).toBe(false);
  });

  test("forgets everything at its end, unless --data says where to keep it", async () => {
    await using workspace = await Workspace.make();
    const options = { ...DEV, workspace };
    const offsets: (number | undefined)[] = [];
    for (const args of [
      ["--dev"],
      ["--dev"],
      ["--dev", "--data", "kept"],
      ["--dev", "--data", "kept"],
    ]) {
      await using server = await startPosthorn(target, { ...options, args });
      const device = new Device(server.url, { id: "7", secret: "dev" });
      offsets.push((await device.post({ type: "t", data: 1 })).results[0]?.offset);
      expect(await server.stop()).toBe(0);
    }
    expect(offsets).toEqual([FIRST_OFFSET, FIRST_OFFSET, FIRST_OFFSET, FIRST_OFFSET + 1]);
  });

  test("does not start twice on one port, and says who is in the way", async () => {
    await using server = await startPosthorn(target, DEV);
    const args = ["serve", "--dev", "--port", String(server.port)];
    const second = await runCli(target, args, { workspace: server.workspace });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(server.port));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
