import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { Backend } from "../support/backend.ts";
import { BOOM, BOOM_CHARS, BOOM_CODE, boomAt } from "../support/boom.ts";
import { cleanEnvironment } from "../support/clean-environment.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { HeldStream } from "../support/held-stream.ts";
import { type LogLine, Posthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

const ROOT = resolve(import.meta.dir, "../..");
const FAULTY_MAIN = resolve(ROOT, "test/support/faulty-main.ts");

/** The faulty server in the form of a target; an executable is built for it. */
async function faultyCommand({ name, command }: Target, workspace: Workspace): Promise<string[]> {
  if (name !== "executable") return [...command.slice(0, -1), FAULTY_MAIN];
  const outfile = workspace.file("faulty");
  // The root puts the worker where it is in the real one.
  const options = ["--compile", "--root", resolve(ROOT, "src"), "--outfile", outfile];
  const entries = [FAULTY_MAIN, resolve(ROOT, "src/engine/sqlite/worker.ts")];
  const build = Bun.spawn([process.execPath, "build", ...options, ...entries], {
    cwd: ROOT,
    stdout: "ignore",
    stderr: "pipe",
  });
  const trouble = await new Response(build.stderr).text();
  if ((await build.exited) !== 0) throw new Error(`Cannot build the faulty server: ${trouble}`);
  return [outfile];
}

describe.each(TARGETS)("a bug in a handler ($name)", (target) => {
  let server: Posthorn;

  beforeAll(async () => {
    const workspace = await Workspace.make();
    const command = await faultyCommand(target, workspace);
    server = new Posthorn(command, workspace, { env: cleanEnvironment(), ownsWorkspace: true });
    await server.listening();
  }, BLACK_BOX_TIMEOUT_MS);

  afterAll(() => server[Symbol.asyncDispose]());

  function post(type: string, data: unknown): Promise<Response> {
    return fetch(`${server.url}/v1/devices/42/events`, {
      method: "POST",
      headers: { authorization: "Bearer dev" },
      body: JSON.stringify({ type, data }),
    });
  }

  /** The bug was logged once with its stack, nothing of it left the process, and the process lives. */
  async function expectContained(event: string, from: number): Promise<void> {
    const told = (line: LogLine) => JSON.stringify(line).includes(BOOM);
    const line = await server.waitForLog(event, told, from);
    expect(JSON.stringify(line)).toContain(
      target.name === "executable" ? "faulty:" : "faulty-main",
    );
    const sentinel = await post("sentinel", null);
    expect(sentinel.status).toBe(200);
    const bugs = server.logs.items.slice(from).filter(told);
    expect(bugs).toHaveLength(1);
  }

  test("of a post is answered 500 without a word about it", async () => {
    const from = server.logs.items.length;
    const answer = await post("event", boomAt("append"));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("boom");
    await expectContained("http.bug", from);
  });

  test("of a call of the server API is answered with error 100, without a word about it", async () => {
    const from = server.logs.items.length;
    const backend = new Backend(server.url, { "x-api-key": "dev" });
    const answer = await backend.call("publish", {
      channel: "device:42",
      data: boomAt("append"),
    });
    expect(JSON.parse(answer)).toEqual({ error: { code: 100, message: "internal server error" } });
    await expectContained("http.bug", from);
  });

  test("of an emulated frame is answered 500 without a word about it, and the client lives", async () => {
    const from = server.logs.items.length;
    using client = await HeldStream.open(`${server.url}/connection/http_stream`, {
      method: "POST",
      body: '{"id":1,"connect":{}}',
    });
    const { connect } = await client.message(({ id }) => id === 1, "the reply");
    const emulate = (data: string) =>
      fetch(`${server.url}/emulation`, {
        method: "POST",
        body: JSON.stringify({ session: connect?.session, node: connect?.node, data }),
      });
    expect((await post("arm", boomAt("refused"))).status).toBe(200);
    const answer = await emulate("nonsense");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("boom");
    expect((await emulate('{"id":2,"subscribe":{"channel":"device:42"}}')).status).toBe(204);
    await client.message(({ id }) => id === 2, "the next reply");
    await expectContained("http.bug", from);
  });

  test("of the readiness check is answered 500 without a word about it", async () => {
    const from = server.logs.items.length;
    const answer = await fetch(`${server.url}/readyz`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("boom");
    await expectContained("http.bug", from);
  });

  test("of a delivery costs nobody the acknowledgement", async () => {
    const from = server.logs.items.length;
    expect((await post("event", boomAt("deliver"))).status).toBe(200);
    await expectContained("task.failed", from);
  });

  test("of a command is answered with error 100, and the connection lives", async () => {
    const from = server.logs.items.length;
    using socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
    await socket.command({ connect: {} });
    const reply = await socket.command({
      subscribe: { channel: `device:${boomAt("history")}` },
    });
    expect(reply).toMatchObject({ error: { code: 100, message: "internal server error" } });
    expect(await socket.command({ subscribe: { channel: "device:42" } })).toHaveProperty(
      "subscribe",
    );
    await expectContained("ws.bug", from);
  });

  test("of a message handler closes that socket with 1011", async () => {
    const from = server.logs.items.length;
    using bystander = await FrameSocket.open(`${server.wsUrl}/login`);
    using socket = await FrameSocket.open(`${server.wsUrl}/login`);
    socket.send("x".repeat(BOOM_CHARS));
    expect(await socket.end()).toMatchObject({ code: 1011 });
    bystander.send("hi");
    await bystander.frames.find((frame) => frame === "reply", { what: "the reply" });
    await expectContained("ws.bug", from);
  });

  test("of an open handler closes that socket with 1011", async () => {
    const from = server.logs.items.length;
    expect((await post("arm", boomAt("open"))).status).toBe(200);
    const socket = await FrameSocket.open(`${server.wsUrl}/login`);
    expect(await socket.end()).toMatchObject({ code: 1011 });
    await expectContained("ws.bug", from);
  });

  test("of a close handler harms nobody", async () => {
    const from = server.logs.items.length;
    using socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
    await socket.command({ connect: {} });
    socket.close(BOOM_CODE);
    await expectContained("ws.bug", from);
  });
});
