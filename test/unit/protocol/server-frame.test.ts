import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { connectPush, publicationPush } from "../../../src/protocol/push-frame.ts";
import {
  encodeErrorReply,
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
