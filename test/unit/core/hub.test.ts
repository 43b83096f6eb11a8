import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { createHub, type HoldingRoom } from "../../../src/core/hub.ts";
import { LIMITS } from "../../../src/core/limits.ts";

const CHANNEL = parseChannel("chat:1");

function world() {
  const fanned: number[] = [];
  const hub = createHub({
    publication: (_, { offset }) => fanned.push(offset),
    join() {},
    leave() {},
  });
  const deliver = (offset: number, channel = CHANNEL) =>
    hub.deliver(channel, { data: "1", offset, timeMs: 0 }, { epoch: "e", offset });
  return { hub, fanned, deliver };
}

const roomy = (): HoldingRoom => ({ leftBytes: 1_000_000 });

describe("createHub()", () => {
  test("holds for each loading subscription what comes in its channel, and fans it out", () => {
    const { hub, fanned, deliver } = world();
    const first = hub.load(CHANNEL, roomy());
    deliver(1);
    const second = hub.load(CHANNEL, roomy());
    deliver(2);
    deliver(3, parseChannel("chat:2"));
    expect(first.release()).toMatchObject([{ publication: { offset: 1 } }, { epoch: "e" }]);
    expect(second.release()).toMatchObject([{ publication: { offset: 2 } }]);
    expect(fanned).toEqual([1, 2, 3]);
  });

  test("holds nothing more after the release", () => {
    const { hub, deliver } = world();
    const loading = hub.load(CHANNEL, roomy());
    expect(loading.release()).toEqual([]);
    deliver(1);
    expect(loading.release()).toEqual([]);
  });

  test("does not hold what is not part of the stream", () => {
    const { hub, fanned, deliver } = world();
    const loading = hub.load(CHANNEL, roomy());
    deliver(0);
    expect(loading.release()).toEqual([]);
    expect(fanned).toEqual([0]);
  });

  test("gives up on a subscription that loads for too long", () => {
    const { hub, deliver } = world();
    const loading = hub.load(CHANNEL, roomy());
    for (let offset = 1; offset <= LIMITS.loadingMaxPublications; offset += 1) deliver(offset);
    const fits = hub.load(CHANNEL, roomy());
    deliver(LIMITS.loadingMaxPublications + 1);
    expect(loading.release()).toBe("overflowed");
    expect(fits.release()).toHaveLength(1);
  });

  test("gives up on a subscription for which there is no room any more", () => {
    const { hub, deliver } = world();
    const room = { leftBytes: 250 };
    const loading = hub.load(CHANNEL, room);
    deliver(1);
    deliver(2);
    expect(hub.load(CHANNEL, roomy()).release()).toEqual([]);
    deliver(3);
    expect(loading.release()).toBe("overflowed");
    expect(room.leftBytes).toBe(250);
  });

  test("lets loadings share their room, and get back what others release", () => {
    const { hub, deliver } = world();
    const other = parseChannel("chat:2");
    const room = { leftBytes: 250 };
    const first = hub.load(CHANNEL, room);
    const second = hub.load(other, room);
    deliver(1);
    deliver(1, other);
    expect(first.release()).toHaveLength(1);
    deliver(2, other);
    expect(second.release()).toHaveLength(2);
    expect(second.release()).toHaveLength(2);
    expect(room.leftBytes).toBe(250);
  });
});
