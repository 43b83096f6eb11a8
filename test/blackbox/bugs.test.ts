import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { BOOM, BOOM_CHARS, BOOM_CODE, boomAt } from "../support/boom.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { type LogLine, Posthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, cleanEnvironment, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

const FAULTY_MAIN = resolve(import.meta.dir, "../support/faulty-main.ts");

describe.each(TARGETS.filter(({ name }) => name !== "executable"))(
  "a bug in a handler ($name)",
  ({ command }) => {
    let server: Posthorn;

    beforeAll(async () => {
      const source = [...command.slice(0, -1), FAULTY_MAIN];
      const workspace = await Workspace.make();
      server = new Posthorn(source, workspace, { env: cleanEnvironment(), ownsWorkspace: true });
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
      expect(JSON.stringify(line)).toContain("faulty-main");
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
  },
);
