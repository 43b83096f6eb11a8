import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../src/core/faults.ts";
import type { Backend, RpcQuestion } from "../../../../src/core/ports/backend.ts";
import { connected, gatewayWorld, send, settled } from "../../../support/gateway-world.ts";

async function calling(
  rpc: Backend["rpc"],
  text = '{"id":2,"rpc":{"method":"echo","data":{"n":1.0}}}',
) {
  const it = gatewayWorld({ backend: rpc === undefined ? {} : { rpc } });
  const link = await connected(it, "known");
  link.handler.message(text);
  await settled();
  return { it, ...link, answer: link.socket.frames[1] };
}

describe("rpc", () => {
  test("asks the backend, and passes its answer on byte for byte", async () => {
    const questions: RpcQuestion[] = [];
    const { answer } = await calling(async (question) => {
      questions.push(question);
      return { result: { data: '{"2":1.0,"1":9007199254740993}' } };
    });
    expect(answer).toBe('{"id":2,"rpc":{"data":{"2":1.0,"1":9007199254740993}}}');
    expect(questions).toEqual([
      {
        client: "uuid-1",
        transport: "websocket",
        headers: {},
        user: "anna",
        meta: '{"tier":1}',
        method: "echo",
        data: '{"n":1.0}',
      },
    ]);
  });

  test("answers without data when the backend gives none", async () => {
    const rpc = async () => ({ result: {} });
    const { answer } = await calling(rpc, '{"id":2,"rpc":{"method":"ping"}}');
    expect(answer).toBe('{"id":2,"rpc":{}}');
  });

  test("is answered with 108 where there is no backend to ask", async () => {
    const { answer } = await calling(undefined);
    expect(answer).toBe('{"id":2,"error":{"code":108,"message":"not available"}}');
  });

  test.each(["command.cancel", "device.", "command.x"])(
    "answers 104 to %s, which is Posthorn's own, and does not ask the backend",
    async (method) => {
      const asked: string[] = [];
      const text = JSON.stringify({ id: 2, rpc: { method } });
      const { answer } = await calling(async (question) => {
        asked.push(question.method);
        return { result: {} };
      }, text);
      expect(answer).toBe('{"id":2,"error":{"code":104,"message":"method not found"}}');
      expect(asked).toEqual([]);
    },
  );

  test("is refused in the backend's words", async () => {
    const error = { code: 104, message: "method not found", temporary: false };
    const { answer } = await calling(async () => ({ error }));
    expect(answer).toBe('{"id":2,"error":{"code":104,"message":"method not found"}}');
  });

  test("ends the connection in the backend's words", async () => {
    const disconnect = { code: 4000, reason: "restart" };
    const { socket } = await calling(async () => ({ disconnect }));
    expect(socket.closed).toEqual(disconnect);
  });

  test.each([
    ["backend_unreachable", 100],
    ["backend_busy", 111],
  ] as const)("with %s is answered with the temporary error %d", async (code, answered) => {
    const { socket } = await calling(() => Promise.reject(new Fault(code)));
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code: answered, temporary: true } });
  });

  test("says nothing of a bug but logs it", async () => {
    const { it, answer } = await calling(() => Promise.reject(new Error("canary")));
    expect(answer).not.toContain("canary");
    expect(it.log.of("ws.bug")).toHaveLength(1);
  });

  test("keeps the order of the replies while the backend takes its time", async () => {
    const { promise, resolve } = Promise.withResolvers<{ result: object }>();
    const it = gatewayWorld({ backend: { rpc: () => promise } });
    const { socket, handler } = await connected(it);
    await send(
      handler,
      { id: 2, rpc: { method: "slow" } },
      { id: 3, unsubscribe: { channel: "news:1" } },
    );
    expect(socket.frames).toHaveLength(1);
    resolve({ result: {} });
    await settled();
    expect(socket.replies.slice(1)).toEqual([
      { id: 2, rpc: {} },
      { id: 3, unsubscribe: {} },
    ]);
  });
});
