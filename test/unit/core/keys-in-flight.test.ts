import { expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { KeysInFlight } from "../../../src/core/keys-in-flight.ts";
import { LIMITS } from "../../../src/core/limits.ts";

const DEVICE = parseDeviceId("42");

test("KeysInFlight holds no more keys of one device than allowed, and forgets devices that hold none", () => {
  const keys = new KeysInFlight();
  const held = Array.from({ length: LIMITS.keysInFlightPerDevice }, (_, it) =>
    keys.take(DEVICE, `k${it}`),
  );
  const refused = expect.objectContaining({ code: "key_in_flight" });
  expect(() => keys.take(DEVICE, "one more")).toThrow(refused);
  keys.take(parseDeviceId("43"), "one more")[Symbol.dispose]();
  for (const one of held) one[Symbol.dispose]();
  expect(keys.size).toBe(0);
});
