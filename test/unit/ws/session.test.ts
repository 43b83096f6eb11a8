import { describe, expect, test } from "bun:test";
import type { Command } from "../../../src/protocol/client-frame.ts";
import { type SessionInput, type SessionState, step } from "../../../src/ws/session.ts";

const CONNECT: Command = { id: 1, method: "connect", request: {} };
const SUBSCRIBE: Command = { id: 2, method: "subscribe", request: { channel: "a" } };

const GREETING: SessionState = { at: "greeting" };
const CONNECTING: SessionState = { at: "connecting" };
const OPEN: SessionState = { at: "open", pingsUnanswered: 0, pong: "required" };
const WAITING: SessionState = { at: "open", pingsUnanswered: 1, pong: "required" };
const LOGIN: SessionState = { at: "open", pingsUnanswered: 1, pong: "any" };
const REFUSED: SessionState = { at: "refused" };
const CLOSED: SessionState = { at: "closed" };

function codeAfter(state: SessionState, input: SessionInput): number | undefined {
  const [, effects] = step(state, input);
  return effects.flatMap((effect) => (effect.do === "close" ? [effect.disconnect.code] : []))[0];
}

describe("step()", () => {
  test("admits by the first command when it is connect", () => {
    const [state, effects] = step(GREETING, { type: "command", command: CONNECT });
    expect(state).toEqual(CONNECTING);
    expect(effects).toEqual([{ do: "admit", command: CONNECT as never }]);
  });

  test("runs the commands of an admitted client", () => {
    const [state, effects] = step(OPEN, { type: "command", command: SUBSCRIBE });
    expect(state).toEqual(OPEN);
    expect(effects).toEqual([{ do: "run", command: SUBSCRIBE }]);
  });

  test.each<readonly [string, SessionState, SessionInput, number]>([
    [
      "another command comes before connect",
      GREETING,
      { type: "command", command: SUBSCRIBE },
      3501,
    ],
    ["a pong comes before connect", GREETING, { type: "pong" }, 3501],
    ["connect comes twice", OPEN, { type: "command", command: CONNECT }, 3501],
    ["a pong comes that nobody asked for", OPEN, { type: "pong" }, 3501],
    ["a frame cannot be read", OPEN, { type: "malformed" }, 3501],
    ["a refused client sends more", REFUSED, { type: "command", command: CONNECT }, 3501],
    ["no connect comes", GREETING, { type: "greeting_overdue" }, 3502],
    ["a refused client stays", REFUSED, { type: "greeting_overdue" }, 3502],
    ["no pong comes", WAITING, { type: "pong_overdue" }, 3012],
    ["a client on /login shows no sign of life", LOGIN, { type: "pong_overdue" }, 3012],
    ["someone ends it", OPEN, { type: "ended", disconnect: { code: 4002, reason: "" } }, 4002],
  ])("closes when %s", (...[, state, input, code]) => {
    expect(codeAfter(state, input)).toBe(code);
    expect(step(state, input)[0]).toEqual(CLOSED);
  });

  test("is content when the pong came in time", () => {
    const [answered] = step(WAITING, { type: "pong" });
    expect(codeAfter(answered, { type: "pong_overdue" })).toBeUndefined();
  });

  test("does not take other frames for a pong where pongs are required", () => {
    const [state] = step(WAITING, { type: "sign_of_life" });
    expect(codeAfter(state, { type: "pong_overdue" })).toBe(3012);
  });

  test.each<SessionInput>([{ type: "sign_of_life" }, { type: "pong" }])(
    "takes %p for life on /login",
    (input) => {
      const [state] = step(LOGIN, input);
      expect(codeAfter(state, { type: "pong_overdue" })).toBeUndefined();
    },
  );

  test("asks for a pong when a ping is due", () => {
    expect(step(OPEN, { type: "ping_due" })).toEqual([WAITING, [{ do: "ping" }]]);
  });

  test.each<SessionInput>([
    { type: "lost" },
    { type: "pong" },
    { type: "malformed" },
    { type: "command", command: CONNECT },
    { type: "ended", disconnect: { code: 4002, reason: "" } },
  ])("does nothing more once it is closed, whatever comes: %p", (input) => {
    expect(step(CLOSED, input)).toEqual([CLOSED, []]);
  });

  test("closes without a word when the connection is lost", () => {
    expect(step(OPEN, { type: "lost" })).toEqual([CLOSED, []]);
  });
});
