import { describe, expect, test } from "bun:test";
import {
  deviceChannel,
  isPrivate,
  namespaceOf,
  parseChannel,
  userChannel,
  usersOf,
} from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";

describe("parseChannel()", () => {
  test.each([["a"], ["chat:1"], ["$chat:1#anna,bob"], ["x".repeat(255)], ["!~"]])(
    "takes %s",
    (text) => {
      expect<string>(parseChannel(text)).toBe(text);
    },
  );

  test.each([[""], ["with space"], ["line\nbreak"], ["größe"], ["\u007f"], ["x".repeat(256)]])(
    "refuses %j",
    (text) => {
      expect(() => parseChannel(text)).toThrow(Fault);
    },
  );

  test("says how long it is without repeating all of it", () => {
    expect(() => parseChannel("x".repeat(300))).toThrow(
      "Cannot parse channel: got 300 characters, at most 255 are allowed",
    );
  });
});

describe("userChannel()", () => {
  test("names the channel of one user", () => {
    const channel = userChannel("anna@example.com") ?? parseChannel("none");
    expect<string>(channel).toBe("#anna@example.com");
    expect(usersOf(channel)).toEqual(["anna@example.com"]);
    expect(namespaceOf(channel)).toBe("");
  });

  test.each([[""], ["a,b"], ["a#b"], ["chat:a"], ["an na"], ["größe"], ["x".repeat(255)]])(
    "names none for the user %j, which would be more or other than that",
    (user) => {
      expect(userChannel(user)).toBeUndefined();
    },
  );
});

describe("namespaceOf()", () => {
  test.each([
    ["chat:1", "chat"],
    ["chat:a:b", "chat"],
    ["$chat:1", "chat"],
    ["chat", ""],
    ["$chat", ""],
    [":chat", ""],
  ])("of %s is %j", (channel, namespace) => {
    expect(namespaceOf(parseChannel(channel))).toBe(namespace);
  });
});

test("isPrivate() goes by the first character", () => {
  expect(isPrivate(parseChannel("$a"))).toBe(true);
  expect(isPrivate(parseChannel("a$"))).toBe(false);
});

test.each([
  ["dialog#anna,bob", ["anna", "bob"]],
  ["dialog#anna", ["anna"]],
  ["dialog", undefined],
] as const)("usersOf() finds in %s %j", (channel, users) => {
  expect(usersOf(parseChannel(channel))).toEqual(users);
});

test("deviceChannel() is in the device namespace", () => {
  expect<string>(deviceChannel(parseDeviceId("42"))).toBe("device:42");
});
