import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { decodeClientFrame, isJsonObject } from "../../../src/protocol/client-frame.ts";

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
