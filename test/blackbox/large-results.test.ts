import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { deliveryOn } from "../support/guided-device.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("a device's websocket on $name", (target) => {
  test("takes the largest result there may be, refuses a larger one, and closes on a frame beyond", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using socket = await till.socket();
    const id = await fleet.sendOk(till, { type: "read" });
    await deliveryOn(socket);
    const tell = (ref: number, chars: number) => {
      const data = "x".repeat(chars - 2);
      socket.send(JSON.stringify({ ref, result: { command: id, ok: true, data } }));
      const what = `the reply to a result of ${chars}`;
      return socket.lines.find((line) => line.startsWith(`{"ref":${ref},`), { what });
    };
    expect(await tell(1, 65_537)).toContain("result_invalid");
    expect(await tell(2, 65_536)).toBe('{"ref":2,"ok":true}');
    expect(await fleet.command(till, id)).toMatchObject({ status: "done" });
    socket.send(JSON.stringify({ ref: 3, ack: "x".repeat(200_000) }));
    expect((await socket.end()).code).toBe(1009);
  });
});
