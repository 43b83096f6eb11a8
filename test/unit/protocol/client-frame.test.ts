import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import {
  decodeBareConnect,
  decodeClientFrame,
  isJsonObject,
} from "../../../src/protocol/client-frame.ts";

describe("decodeClientFrame()", () => {
  test("reads several commands of one frame in order", () => {
    const text =
      '{"id":1,"connect":{"token":"t","name":"js"}}\n{"id":2,"subscribe":{"channel":"device:1","flag":1}}\n';
    expect(decodeClientFrame(text)).toEqual([
      { id: 1, method: "connect", request: { token: "t", name: "js" } },
      { id: 2, method: "subscribe", request: { channel: "device:1", flag: 1 } },
    ]);
  });

  test.each([["{}"], [" {} "], ['{"id":0}']])("reads %s as a pong", (text) => {
    expect(decodeClientFrame(text)).toEqual(["pong"]);
  });

  test("keeps a payload's text", () => {
    const [command] = decodeClientFrame(
      '{"id":3,"rpc":{"method":"m","data":{"2":1.0,"1":9007199254740993}}}',
    );
    expect(command).toMatchObject({ data: '{"2":1.0,"1":9007199254740993}' });
  });

  test("ignores fields it does not know", () => {
    const [command] = decodeClientFrame(
      '{"id":1,"future":1,"unsubscribe":{"channel":"a","more":2}}',
    );
    expect(command).toEqual({ id: 1, method: "unsubscribe", request: { channel: "a" } });
  });

  test("takes the first request of the protocol's order when there are several", () => {
    const [command] = decodeClientFrame(
      '{"id":1,"rpc":{"method":"m"},"subscribe":{"channel":"a"}}',
    );
    expect(command).toMatchObject({ method: "subscribe" });
  });

  test("needs no id for send", () => {
    expect(decodeClientFrame('{"send":{"data":1}}')).toEqual([
      { id: 0, method: "send", request: {}, data: "1" },
    ]);
  });

  test.each([
    ["", "it is empty"],
    ["\n", "it is empty"],
    ["hello", "it is not JSON"],
    ["[1]", "it is not a JSON object"],
    ['{"id":1,"ping":{}}', "command 1 has no known request"],
    ['{"subscribe":{"channel":"a"}}', "its subscribe has no id"],
    ['{"id":-1,"connect":{}}', "its id is not"],
    ['{"id":4294967296,"connect":{}}', "its id is not"],
    ['{"id":1,"subscribe":{"channel":""}}', "its subscribe"],
    ['{"id":1,"subscribe":{"channel":5}}', "its subscribe"],
    ['{"id":1,"connect":{}}\n\n{"id":2}', "it is not JSON"],
  ])("refuses %j because %s", (text, why) => {
    const refuse = () => decodeClientFrame(text);
    expect(refuse).toThrow(Fault);
    expect(refuse).toThrow(why);
  });
});

describe("decodeClientFrame() with every request", () => {
  test.each<readonly [string, object]>([
    [
      '{"id":1,"connect":{"token":"t","data":{"a":1},"subs":{"a":{"recover":true,"epoch":"e","offset":7}},"name":"js","version":"5","headers":{"X-A":"1"},"flag":1,"profile":"p"}}',
      {
        method: "connect",
        request: {
          token: "t",
          subs: { a: { recover: true, epoch: "e", offset: 7 } },
          name: "js",
          version: "5",
          headers: { "X-A": "1" },
        },
        data: '{"a":1}',
      },
    ],
    [
      '{"id":1,"subscribe":{"channel":"a","token":"t","recover":true,"epoch":"e","offset":7,"data":1.0,"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","tf":{"key":"k"},"flag":3,"type":4}}',
      {
        method: "subscribe",
        request: {
          channel: "a",
          token: "t",
          recover: true,
          epoch: "e",
          offset: 7,
          positioned: true,
          recoverable: true,
          join_leave: true,
          delta: "fossil",
          tf: { key: "k" },
          flag: 3,
          type: 4,
        },
        data: "1.0",
      },
    ],
    [
      '{"id":1,"unsubscribe":{"channel":"a"}}',
      { method: "unsubscribe", request: { channel: "a" } },
    ],
    [
      '{"id":1,"publish":{"channel":"a","data":null}}',
      { method: "publish", request: { channel: "a" }, data: "null" },
    ],
    ['{"id":1,"presence":{"channel":"a"}}', { method: "presence", request: { channel: "a" } }],
    [
      '{"id":1,"presence_stats":{"channel":"a"}}',
      { method: "presence_stats", request: { channel: "a" } },
    ],
    [
      '{"id":1,"history":{"channel":"a","limit":-1,"since":{"offset":2,"epoch":"e"},"reverse":true}}',
      {
        method: "history",
        request: { channel: "a", limit: -1, since: { offset: 2, epoch: "e" }, reverse: true },
      },
    ],
    [
      '{"id":1,"history":{"channel":"a","since":{}}}',
      { method: "history", request: { channel: "a", since: { offset: 0, epoch: "" } } },
    ],
    ['{"id":1,"rpc":{"data":[1]}}', { method: "rpc", request: { method: "" }, data: "[1]" }],
    ['{"id":1,"refresh":{"token":"t"}}', { method: "refresh", request: { token: "t" } }],
    [
      '{"id":1,"sub_refresh":{"channel":"a","token":"t"}}',
      { method: "sub_refresh", request: { channel: "a", token: "t" } },
    ],
  ])("reads %s", (text, command) => {
    expect(decodeClientFrame(text)).toEqual([{ id: 1, ...command } as never]);
  });

  test("takes null for what is left out", () => {
    const text = '{"id":1,"subscribe":{"channel":"a","token":null,"epoch":null,"tf":null}}';
    expect(decodeClientFrame(text)).toEqual([
      { id: 1, method: "subscribe", request: { channel: "a" } },
    ]);
  });

  test("keeps a payload on one line", () => {
    const [command] = decodeClientFrame('{"id":1,"publish":{"channel":"a","data":{"a":\r1}}}');
    expect(command).toMatchObject({ data: '{"a":1}' });
  });

  test.each([
    ['{"id":1,"subscribe":{}}'],
    ['{"id":1,"subscribe":null}'],
    ['{"id":1,"subscribe":[]}'],
    ['{"id":1,"subscribe":"a"}'],
    ['{"id":1,"subscribe":{"channel":null}}'],
    ['{"id":1,"subscribe":{"channel":"a","delta":"vcdiff"}}'],
    ['{"id":1,"subscribe":{"channel":"a","offset":-1}}'],
    ['{"id":1,"subscribe":{"channel":"a","offset":1.5}}'],
    ['{"id":1,"subscribe":{"channel":"a","recover":"yes"}}'],
    ['{"id":1,"unsubscribe":{"channel":""}}'],
    ['{"id":1,"publish":{"channel":"","data":1}}'],
    ['{"id":1,"presence":{"channel":""}}'],
    ['{"id":1,"presence_stats":{"channel":""}}'],
    ['{"id":1,"history":{"channel":""}}'],
    ['{"id":1,"history":{"channel":"a","limit":"all"}}'],
    ['{"id":1,"refresh":{}}'],
    ['{"id":1,"refresh":{"token":""}}'],
    ['{"id":1,"sub_refresh":{"channel":"","token":"t"}}'],
    ['{"id":1,"sub_refresh":{"channel":"a","token":""}}'],
    ['{"id":1.5,"connect":{}}'],
    ['{"id":"1","connect":{}}'],
  ])("refuses %s", (text) => {
    expect(() => decodeClientFrame(text)).toThrow(Fault);
  });
});

describe("isJsonObject()", () => {
  test.each([
    ['{"id":1}', true],
    ["{}", true],
    ['{"id":1}\n{"id":2}', true],
    ["hi", false],
    ["{hi", false],
    ["[1]", false],
    ["42", false],
    ["", false],
  ])("answers for %j: %p", (text, is) => {
    expect(isJsonObject(text)).toBe(is);
  });
});

describe("decodeBareConnect()", () => {
  test.each([
    ["", {}],
    ["null", {}],
    [" {} ", {}],
    ['{"token":\n"t"}', { token: "t" }],
  ])("reads %j", (text, request) => {
    expect(decodeBareConnect(text)).toEqual({ id: 1, method: "connect", request });
  });

  test.each([["1"], ["[]"], ["{"], ['{},"rpc":{}'], ['{"token":5}']])("refuses %j", (text) => {
    expect(() => decodeBareConnect(text)).toThrow(Fault);
  });
});
