import { describe, expect, test } from "bun:test";
import type { CommandId } from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import {
  decodeGetCommand,
  decodeGetDevice,
  decodeListDevices,
  decodeSendCommand,
} from "../../../src/protocol/rpc-body.ts";

const DEVICE = parseDeviceId("42");

describe("decodeSendCommand()", () => {
  test("reads all of it, times in seconds and the payload byte for byte", () => {
    const data =
      '{"device":"42","type":"lamp.on","data":{"n":1.0,"2":9007199254740993},"ttl":60,"key":"k","priority":3,"max_attempts":2,"wait":1.5}';
    expect(decodeSendCommand(data)).toEqual({
      request: {
        device: DEVICE,
        type: "lamp.on",
        data: '{"n":1.0,"2":9007199254740993}',
        ttlMs: 60_000,
        key: "k",
        priority: 3,
        maxAttempts: 2,
      },
      waitMs: 1_500,
    });
  });

  test("needs a device and a type only", () => {
    expect(decodeSendCommand('{"device":"42","type":"ping"}')).toMatchObject({
      request: { device: DEVICE, type: "ping", data: "null" },
      waitMs: 0,
    });
  });
});

describe("the other methods", () => {
  test("read what they are about", () => {
    const id = "c-1" as CommandId;
    expect(decodeGetCommand('{"device":"42","id":"c-1"}')).toEqual({ device: DEVICE, id });
    expect(decodeGetCommand('{"device":"42","key":"k"}')).toEqual({ device: DEVICE, key: "k" });
    expect(decodeGetDevice('{"device":"42"}')).toBe(DEVICE);
    expect(decodeListDevices(undefined)).toEqual({ limit: 100 });
    expect(decodeListDevices('{"after":"42","limit":7}')).toEqual({ after: DEVICE, limit: 7 });
  });
});

describe("what is wrong is named", () => {
  const send = decodeSendCommand;
  test.each<readonly [(data?: string) => unknown, string | undefined, string, string]>([
    [send, undefined, "rpc_invalid", "device: "],
    [send, "[]", "rpc_invalid", "the whole: "],
    [send, '{"device":"42"}', "rpc_invalid", "type: "],
    [send, '{"device":"42","type":""}', "rpc_invalid", "type: "],
    [send, '{"device":"42","type":"a","ttl":0}', "rpc_invalid", "ttl: "],
    [send, '{"device":"42","type":"a","wait":51}', "rpc_invalid", "wait: "],
    [send, '{"device":"42","type":"a","priority":10}', "rpc_invalid", "priority: "],
    [send, '{"device":"42","type":"a","typo":1}', "rpc_invalid", "typo"],
    [send, '{"device":"42","type":"\\ud800"}', "rpc_invalid", "type: "],
    [send, '{"device":"42","type":"a","key":"\\udc00"}', "rpc_invalid", "key: "],
    [send, '{"device":"42","type":"a","key":""}', "rpc_invalid", "key: "],
    [send, '{"device":"42","type":"a","ttl":9999999}', "rpc_invalid", "ttl: "],
    [send, '{"device":"../x","type":"a"}', "device_malformed", "../x"],
    [decodeGetCommand, '{"device":"42"}', "rpc_invalid", "id: "],
    [decodeGetCommand, '{"device":"42","id":"c","key":"k"}', "rpc_invalid", "id: "],
    [decodeGetCommand, '{"device":"42","key":""}', "rpc_invalid", "key: "],
    [decodeGetCommand, '{"device":"42","id":"?"}', "command_unknown", "?"],
    [decodeGetDevice, "7", "rpc_invalid", "the whole: "],
    [decodeGetDevice, '{"device":""}', "device_malformed", ""],
    [decodeListDevices, '{"limit":101}', "rpc_invalid", "limit: "],
    [decodeListDevices, '{"after":"../x"}', "device_malformed", "../x"],
  ])("%p in %j: %s", (...[decode, data, code, detail]) => {
    expect(() => decode(data)).toThrow(expect.objectContaining({ code }));
    expect(() => decode(data)).toThrow(detail);
  });
});
