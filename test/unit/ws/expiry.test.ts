import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import type { Backend, BackendUser } from "../../../src/core/ports/backend.ts";
import { clientOf, connected, gatewayWorld, settled } from "../../support/gateway-world.ts";

type Answer = Awaited<ReturnType<NonNullable<Backend["refresh"]>>>;

const TTL_MS = 60_000;
const GRACE_MS = 25_000;

/** A client whose token ends after a minute, and the backend's answers, one for each question. */
async function world(...answers: (Answer | Error)[]) {
  const questions: BackendUser[] = [];
  const refresh: Backend["refresh"] = async (question) => {
    questions.push(question);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  };
  const it = gatewayWorld({ backend: { refresh } });
  const link = await connected(it, "brief");
  async function advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      it.clock.advance(Math.min(left, 500));
      if (link.socket.frames.at(-1) === "{}") {
        link.socket.frames.pop();
        link.handler.message("{}");
      }
      await settled();
    }
  }
  return { it, ...link, questions, advance };
}

const now = Date.UTC(2026, 0, 1);

describe("where the backend refreshes connections", () => {
  test("it is asked when the credentials end, not before", async () => {
    const { questions, advance } = await world({ result: { expired: false } });
    await advance(TTL_MS - 1);
    expect(questions).toEqual([]);
    await advance(1);
    expect(questions).toEqual([
      { client: "uuid-1", transport: "websocket", headers: {}, user: "anna" },
    ]);
  });

  test("a yes without end lets the client stay for good", async () => {
    const { socket, questions, advance, it } = await world({ result: { expired: false } });
    await advance(TTL_MS * 10);
    expect(socket.closed).toBeUndefined();
    expect(questions).toHaveLength(1);
    expect(socket.frames).toHaveLength(1);
    expect(it.clock.pending).toBe(1);
  });

  test("a yes with an end is asked again then", async () => {
    const again = { result: { expired: false, expiresAtMs: now + TTL_MS * 2 } };
    const { socket, questions, advance } = await world(again, { result: { expired: true } });
    await advance(TTL_MS * 2 - 1);
    expect(questions).toHaveLength(1);
    await advance(1);
    expect(questions).toHaveLength(2);
    expect(socket.closed).toEqual({ code: 3005, reason: "connection expired" });
  });

  test("it replaces what others and it itself are told of the client", async () => {
    const result = { expired: false, info: '{"name":"Ann"}', meta: '{"tier":2}' };
    const { it, advance } = await world({ result });
    await advance(TTL_MS);
    expect(clientOf(it).info()).toMatchObject({ connInfo: '{"name":"Ann"}' });
    expect(clientOf(it).asBackendUser()).toMatchObject({ meta: '{"tier":2}' });
  });

  test.each<[string, Answer, object]>([
    ["that it expired", { result: { expired: true } }, { code: 3005 }],
    ["an end that is over", { result: { expired: false, expiresAtMs: now } }, { code: 3005 }],
    [
      "an error",
      { error: { code: 1000, message: "no", temporary: false } },
      { code: 3005, reason: "connection expired" },
    ],
    [
      "a disconnect",
      { disconnect: { code: 4500, reason: "banned" } },
      { code: 4500, reason: "banned" },
    ],
  ])("the client is closed when the backend says %s", async (_, answer, closed) => {
    const { it, socket, advance } = await world(answer);
    await advance(TTL_MS);
    expect(socket.closed).toMatchObject(closed);
    it.clock.advance(GRACE_MS);
    expect(it.clock.pending).toBe(0);
  });

  test.each<[string, Answer | Error]>([
    ["cannot be reached", new Fault("backend_unreachable")],
    ["has a temporary error", { error: { code: 100, message: "later", temporary: true } }],
  ])("it is asked again while it %s", async (_, trouble) => {
    const fine = { result: { expired: false } };
    const { socket, questions, advance } = await world(trouble, trouble, fine);
    await advance(TTL_MS + GRACE_MS * 2);
    expect(questions).toHaveLength(3);
    expect(socket.closed).toBeUndefined();
  });

  test("no answer is no yes: the client is closed with 3005 after the grace", async () => {
    const { it, socket, questions, advance } = await world(new Fault("backend_unreachable"));
    await advance(TTL_MS + GRACE_MS - 1);
    expect(socket.closed).toBeUndefined();
    await advance(1);
    expect(socket.closed).toEqual({ code: 3005, reason: "connection expired" });
    expect(questions.length).toBeLessThan(7);
    expect(it.log.of("ws.unavailable")).toHaveLength(questions.length);
  });

  test("a bug is no yes either", async () => {
    const { it, socket, advance } = await world(new Error("canary"));
    await advance(TTL_MS + GRACE_MS);
    expect(socket.closed).toMatchObject({ code: 3005 });
    expect(it.log.of("task.failed").length).toBeGreaterThan(0);
  });

  test("an answer that comes after a later question's changes nothing", async () => {
    const late = Promise.withResolvers<Answer>();
    const answers = [late.promise, Promise.resolve<Answer>({ result: { expired: false } })];
    const refresh = () => answers.shift() ?? Promise.reject(new Error("asked too often"));
    const it = gatewayWorld({ backend: { refresh }, limits: { pingIntervalMs: 1_000_000 } });
    const { socket } = await connected(it, "brief");
    it.clock.advance(TTL_MS);
    it.clock.advance(5_000);
    await settled();
    late.resolve({ result: { expired: true } });
    await settled();
    expect(answers).toEqual([]);
    expect(socket.closed).toBeUndefined();
  });

  test("an answer that comes when the client is gone changes nothing", async () => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const it = gatewayWorld({ backend: { refresh: () => promise } });
    const { handler } = await connected(it, "brief");
    it.clock.advance(18_750);
    handler.message("{}");
    it.clock.advance(25_000);
    handler.message("{}");
    it.clock.advance(TTL_MS - 43_750);
    handler.close(1006, "");
    resolve({ result: { expired: false, expiresAtMs: now + TTL_MS * 5 } });
    await settled();
    expect(it.clock.pending).toBe(0);
  });
});
