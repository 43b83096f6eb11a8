import { describe, expect, test } from "bun:test";
import { deviceChannel } from "../../../src/core/channel.ts";
import { createDeviceEvents } from "../../../src/core/device-events.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";

const DEVICE = parseDeviceId("kiosk-1");

function world() {
  const delivered: [string, string][] = [];
  const streams = new MemoryStreams((channel, { data }) => delivered.push([channel, data]));
  const clock = new FakeClock(1_767_225_600_000);
  const retention = { sizeMax: 10, ttlMs: 1000 };
  const events = createDeviceEvents({ streams, clock, entropy: createFakeEntropy(), retention });
  return { delivered, events };
}

describe("createDeviceEvents()", () => {
  test("publishes the event on the device's channel with its payload untouched", async () => {
    const { delivered, events } = world();
    const data = '{"9":1, "1":9007199254740993,"x":1.0}';
    const result = await events.post(DEVICE, { id: "e1", type: "sold", data });
    expect(result).toEqual({ id: "e1", offset: 1, duplicate: false });
    expect(delivered).toEqual([
      [
        deviceChannel(DEVICE),
        `{"id":"e1","type":"sold","device":"kiosk-1","time":1767225600000,"data":${data}}`,
      ],
    ]);
  });

  test("keeps the device's own time, however wrong", async () => {
    const { delivered, events } = world();
    await events.post(DEVICE, {
      id: "e1",
      type: "boot",
      data: "null",
      time: '"1970-01-01T00:00:07Z"',
    });
    expect(delivered[0]?.[1]).toContain('"time":"1970-01-01T00:00:07Z"');
  });

  test("makes an id for an event that has none", async () => {
    const { events } = world();
    expect(await events.post(DEVICE, { type: "sold", data: "1" })).toMatchObject({ id: "uuid-1" });
  });

  test("answers a repeated id with the first offset and delivers it once", async () => {
    const { delivered, events } = world();
    await events.post(DEVICE, { id: "e1", type: "sold", data: "1" });
    const again = await events.post(DEVICE, { id: "e1", type: "sold", data: "1" });
    expect(again).toEqual({ id: "e1", offset: 1, duplicate: true });
    expect(delivered).toHaveLength(1);
  });

  test.each(["device.online", "command.done"])("refuses the reserved type %s", async (type) => {
    const { events } = world();
    await expect(events.post(DEVICE, { type, data: "1" })).rejects.toMatchObject({
      code: "event_type_reserved",
    });
  });
});
