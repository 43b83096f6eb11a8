import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { connectPush, publicationPush } from "../../../src/protocol/push-frame.ts";
import {
  encodeConnectResult,
  encodeErrorReply,
  encodeHistory,
  encodePresence,
  encodePresenceStats,
  encodePublication,
  encodeReply,
  encodeSubscribeResult,
} from "../../../src/protocol/server-frame.ts";

const CHANNEL = parseChannel("device:42");

describe("publicationPush()", () => {
  test("splices the payload's text", () => {
    const publication = { data: '{"2":1.0,"1":9007199254740993}', offset: 8, timeMs: 1 };
    expect(publicationPush("bidirectional", CHANNEL, publication)).toBe(
      '{"push":{"channel":"device:42","pub":{"data":{"2":1.0,"1":9007199254740993},"offset":8}}}',
    );
  });

  test("leaves the offset out where the channel keeps nothing", () => {
    const publication = { data: "1", offset: 0, timeMs: 1, tags: { k: "v" }, info: '{"user":"u"}' };
    expect(publicationPush("bidirectional", CHANNEL, publication)).toBe(
      '{"push":{"channel":"device:42","pub":{"data":1,"info":{"user":"u"},"tags":{"k":"v"}}}}',
    );
  });
});

describe("encodeSubscribeResult()", () => {
  const position = { epoch: "abcdefgh", offset: 7 };

  test.each([
    {
      name: "a first subscription",
      opened: { position, publications: [] },
      text: '{"recoverable":true,"epoch":"abcdefgh","offset":7,"positioned":true}',
    },
    {
      name: "an empty stream",
      opened: { position: { epoch: "abcdefgh", offset: 0 }, publications: [] },
      text: '{"recoverable":true,"epoch":"abcdefgh","positioned":true}',
    },
    {
      name: "a recovery",
      opened: { position, recovered: true, publications: [{ data: "1.0", offset: 8, timeMs: 1 }] },
      text: '{"recoverable":true,"epoch":"abcdefgh","offset":7,"positioned":true,"recovered":true,"was_recovering":true,"publications":[{"data":1.0,"offset":8}]}',
    },
    {
      name: "a failed recovery",
      opened: { position, recovered: false, publications: [] },
      text: '{"recoverable":true,"epoch":"abcdefgh","offset":7,"positioned":true,"was_recovering":true}',
    },
  ])("encodes $name", ({ opened, text }) => {
    expect(encodeSubscribeResult({ recoverable: true, positioned: true, opened })).toBe(text);
  });

  test("says nothing of positions where the channel keeps nothing", () => {
    const opened = { position: { epoch: "", offset: 0 }, publications: [] };
    expect(encodeSubscribeResult({ recoverable: false, positioned: false, opened })).toBe("{}");
  });
});

describe("connectPush()", () => {
  test("carries the subscriptions that the handshake brought", () => {
    const opened = { position: { epoch: "abcdefgh", offset: 7 }, publications: [] };
    const subs = new Map([[CHANNEL, { recoverable: true, positioned: true, opened }]]);
    const result = {
      client: "c1",
      version: "1",
      pingSeconds: 25,
      pong: false,
      ttlSeconds: 60,
      subs,
    };
    expect(JSON.parse(connectPush("bidirectional", { ...result, resume: "W10" }))).toEqual({
      push: {
        connect: {
          client: "c1",
          version: "1",
          expires: true,
          ttl: 60,
          subs: {
            "device:42": { recoverable: true, epoch: "abcdefgh", offset: 7, positioned: true },
          },
          resume: "W10",
          ping: 25,
        },
      },
    });
  });
});

test("encodeReply() and encodeErrorReply() carry the command's id", () => {
  expect(encodeReply(4, "unsubscribe", "{}")).toBe('{"id":4,"unsubscribe":{}}');
  expect(encodeErrorReply(5, { code: 103, message: "permission denied" })).toBe(
    '{"id":5,"error":{"code":103,"message":"permission denied"}}',
  );
});

test("encodeErrorReply() says that it is temporary only when it is", () => {
  expect(encodeErrorReply(5, { code: 400, message: "no", temporary: false })).toBe(
    '{"id":5,"error":{"code":400,"message":"no"}}',
  );
  expect(encodeErrorReply(5, { code: 100, message: "later", temporary: true })).toBe(
    '{"id":5,"error":{"code":100,"message":"later","temporary":true}}',
  );
});

describe("encodeConnectResult()", () => {
  test("writes every field a client may be told", () => {
    const text = encodeConnectResult({
      client: "c1",
      version: "1",
      ttlSeconds: 60,
      data: '{"big":9007199254740993}',
      session: "s1",
      node: "n1",
      pingSeconds: 25,
      pong: true,
      subs: new Map(),
    });
    expect(text).toBe(
      '{"client":"c1","version":"1","expires":true,"ttl":60,"data":{"big":9007199254740993},"session":"s1","node":"n1","ping":25,"pong":true}',
    );
  });
});

describe("encodeSubscribeResult() with more to say", () => {
  test("writes the end of the token, the data and the kind of publications", () => {
    const opened = { position: { epoch: "abcdefgh", offset: 0 }, publications: [] };
    const result = { recoverable: false, positioned: true, opened, ttlSeconds: 5 };
    expect(encodeSubscribeResult({ ...result, data: "1.0", delta: true })).toBe(
      '{"expires":true,"ttl":5,"epoch":"abcdefgh","positioned":true,"data":1.0,"delta":true}',
    );
  });
});

test("encodePublication() marks a difference", () => {
  expect(encodePublication({ data: '"3:x"', offset: 2, timeMs: 0, delta: true })).toBe(
    '{"data":"3:x","offset":2,"delta":true}',
  );
});

describe("presence and history", () => {
  test("encodePresence() lists clients by id, and always has a list", () => {
    const clients = [
      { user: "anna", client: "c1", connInfo: "1" },
      { user: "", client: 'c"2' },
    ];
    expect(encodePresence(clients)).toBe(
      '{"presence":{"c1":{"user":"anna","client":"c1","conn_info":1},"c\\"2":{"user":"","client":"c\\"2"}}}',
    );
    expect(encodePresence([])).toBe('{"presence":{}}');
  });

  test("encodePresenceStats() always has both numbers", () => {
    expect(encodePresenceStats({ clients: 0, users: 0 })).toBe('{"num_clients":0,"num_users":0}');
  });

  test("encodeHistory() always has every field", () => {
    const top = { epoch: "", offset: 0 };
    expect(encodeHistory({ top, publications: [] })).toBe(
      '{"publications":[],"epoch":"","offset":0}',
    );
    const publications = [{ data: "1.0", offset: 1, timeMs: 0 }];
    expect(encodeHistory({ top: { epoch: "e", offset: 1 }, publications })).toBe(
      '{"publications":[{"data":1.0,"offset":1}],"epoch":"e","offset":1}',
    );
  });
});
