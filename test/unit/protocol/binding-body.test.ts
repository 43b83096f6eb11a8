import { describe, expect, test } from "bun:test";
import { decodeBinding } from "../../../src/protocol/binding-body.ts";

describe("decodeBinding()", () => {
  test.each([
    ["", ["*"]],
    [" \n", ["*"]],
    ["{}", ["*"]],
    ['{"commands":[]}', []],
    ['{"commands":["lamp.*","ping","ping"]}', ["lamp.*", "ping"]],
  ])("reads %j as %j", (text, commands) => {
    expect(decodeBinding(text)).toEqual(commands);
  });

  test.each([
    ["[]", "binding_invalid", "the whole: "],
    ['{"command":["*"]}', "binding_invalid", "command"],
    ['{"commands":"*"}', "binding_invalid", "commands: "],
    ['{"commands":[""]}', "binding_invalid", "commands.0: "],
    [
      '{"commands":["a\\n"]}',
      "binding_invalid",
      'commands.0: got "a\\n", wanted no control characters',
    ],
    [
      '{"commands":["ok","[a"]}',
      "binding_invalid",
      'commands.1: got "[a", wanted a pattern (a [ is not closed)',
    ],
    [JSON.stringify({ commands: Array(33).fill("a") }), "binding_invalid", "commands: "],
    ["{", "body_malformed", "it is not JSON"],
  ])("refuses %j as %s", (text, code, detail) => {
    const decoding = (): unknown => decodeBinding(text);
    expect(decoding).toThrow(expect.objectContaining({ code }));
    expect(decoding).toThrow(detail);
  });
});
