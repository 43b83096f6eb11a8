import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import {
  decodeDeviceChange,
  decodeEnroll,
  decodeNewDevice,
  decodePushTarget,
} from "../../../src/protocol/device-body.ts";

const META = '{"n":90071992547409931,"f":1.0,"10":1,"2":2}';

describe("decodeNewDevice()", () => {
  test("reads what there is, meta as it is written", () => {
    expect(decodeNewDevice("")).toEqual({});
    expect(decodeNewDevice("{}")).toEqual({});
    const text = `{"id":"42","name":"n","meta":${META},"enroll":false}`;
    expect(decodeNewDevice(text)).toEqual({
      id: parseDeviceId("42"),
      name: "n",
      meta: META,
      enroll: false,
    });
  });

  test("reads the last of equal members, like JSON.parse", () => {
    expect(decodeNewDevice('{"meta":{"a":1},"meta":{"b":2}}')).toEqual({ meta: '{"b":2}' });
  });

  test.each([
    ["null", "device_invalid"],
    ["[]", "device_invalid"],
    ['{"meta":null}', "device_invalid"],
    ['{"__proto__":{"id":"42"}}', "device_invalid"],
    ['{"constructor":1}', "device_invalid"],
    ['{"id":""}', "device_malformed"],
    ['{"id":"42"', "body_malformed"],
  ])("refuses %s", (text, code) => {
    expect(() => decodeNewDevice(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe("decodeDeviceChange()", () => {
  test("reads a merge patch as it is written, and absent from false", () => {
    expect(decodeDeviceChange("{}")).toEqual({});
    expect(decodeDeviceChange(`{"meta":${META},"enroll":false}`)).toEqual({
      meta: META,
      enroll: false,
    });
  });

  test.each(['{"id":"42"}', '{"secret":"x"}', '{"enroll":null}', "7"])("refuses %s", (text) => {
    expect(() => decodeDeviceChange(text)).toThrow(
      expect.objectContaining({ code: "device_invalid" }),
    );
  });
});

describe("decodeEnroll()", () => {
  test("reads what a terminal says of itself", () => {
    const text = `{"key":"k","device":"42","name":"n","meta":${META}}`;
    expect(decodeEnroll(text)).toEqual({
      key: "k",
      device: parseDeviceId("42"),
      name: "n",
      meta: META,
    });
    expect(decodeEnroll('{"device":"42"}')).toEqual({ device: parseDeviceId("42") });
  });

  test("does not let a terminal open its own enrollment", () => {
    expect(() => decodeEnroll('{"device":"42","enroll":true}')).toThrow('"enroll"');
  });
});

describe("decodePushTarget()", () => {
  test("reads a provider and a token of any characters that can be stored", () => {
    const target = { provider: "own", token: "wx: 令牌/+=" };
    expect(decodePushTarget(JSON.stringify(target))).toEqual(target);
    const token = "t".repeat(LIMITS.pushTokenMaxChars);
    expect(decodePushTarget(JSON.stringify({ provider: "own", token })).token).toBe(token);
  });

  test.each(['{"provider":"own","token":"\\u0000"}', '{"provider":"own","token":"\\ud800"}'])(
    "refuses %s",
    (text) => {
      expect(() => decodePushTarget(text)).toThrow(
        expect.objectContaining({ code: "push_invalid" }),
      );
    },
  );
});
