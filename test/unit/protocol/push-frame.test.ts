import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import {
  connectPush,
  disconnectPush,
  encodeExpiry,
  joinPush,
  leavePush,
  type PushForm,
  publicationPush,
  refreshPush,
  subscribePush,
  unsubscribePush,
} from "../../../src/protocol/push-frame.ts";

const CHANNEL = parseChannel('say"hi"');
const INFO = { user: "anna", client: "c1", connInfo: '{"b":1.0}', chanInfo: "[]" };
const WHY = { code: 2500, reason: "insufficient state" };
const CONNECTED = { client: "c1", version: "1", pingSeconds: 25, pong: false, subs: new Map() };

/** Each push as a function of the form, and what is between the outer braces. */
const PUSHES: readonly [string, (form: PushForm) => string, string][] = [
  [
    "a publication",
    (form) => publicationPush(form, CHANNEL, { data: "1.0", offset: 7, timeMs: 1 }),
    '"channel":"say\\"hi\\"","pub":{"data":1.0,"offset":7}',
  ],
  [
    "a join",
    (form) => joinPush(form, CHANNEL, INFO),
    '"channel":"say\\"hi\\"","join":{"info":{"user":"anna","client":"c1","conn_info":{"b":1.0},"chan_info":[]}}',
  ],
  [
    "a leave of somebody anonymous",
    (form) => leavePush(form, CHANNEL, { user: "", client: "c1" }),
    '"channel":"say\\"hi\\"","leave":{"info":{"user":"","client":"c1"}}',
  ],
  [
    "a subscribe",
    (form) => subscribePush(form, CHANNEL, '{"positioned":true}'),
    '"channel":"say\\"hi\\"","subscribe":{"positioned":true}',
  ],
  [
    "an unsubscribe",
    (form) => unsubscribePush(form, CHANNEL, WHY),
    '"channel":"say\\"hi\\"","unsubscribe":{"code":2500,"reason":"insufficient state"}',
  ],
  [
    "a connect",
    (form) => connectPush(form, CONNECTED),
    '"connect":{"client":"c1","version":"1","ping":25}',
  ],
  ["a refresh", (form) => refreshPush(form, 60), '"refresh":{"expires":true,"ttl":60}'],
  ["a refresh without end", (form) => refreshPush(form, undefined), '"refresh":{}'],
  [
    "a disconnect",
    (form) => disconnectPush(form, { code: 3503, reason: "force disconnect" }),
    '"disconnect":{"code":3503,"reason":"force disconnect"}',
  ],
];

describe("a push", () => {
  test.each(PUSHES)("that is %s is wrapped beside replies", (_, push, body) => {
    expect(push("bidirectional")).toBe(`{"push":{${body}}}`);
  });

  test.each(PUSHES)("that is %s is bare where nothing else is sent", (_, push, body) => {
    expect(push("unidirectional")).toBe(`{${body}}`);
  });
});

test("encodeExpiry() says nothing of what never ends", () => {
  expect(encodeExpiry(undefined)).toBe("{}");
  expect(encodeExpiry(1)).toBe('{"expires":true,"ttl":1}');
});
