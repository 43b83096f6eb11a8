import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/inbox.ts";
import { OffsetReader } from "../support/offset-reader.ts";
import { ReloadingServer } from "../support/reloading-server.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DEVICES = 20;
const RELOADS = 20;

describe.each(TARGETS)("20 reloads at $name", (target) => {
  test("lose nothing and drop nobody while 20 devices post and clients listen", async () => {
    await using it = await ReloadingServer.start(target);
    const devices = await Promise.all(
      Array.from({ length: DEVICES }, (_, index) => it.device(`d${index}`)),
    );
    const token = signToken({ sub: "anna", devices: devices.map(({ id }) => id) });
    const readers = await Promise.all(
      devices.map(({ channel }) => OffsetReader.open(it.server.wsUrl, { token, channel })),
    );
    let isOver = false;
    const stored = devices.map((): number[] => []);
    const posting = devices.map(async (device, index) => {
      const offsets = stored[index] ?? [];
      while (!isOver) {
        const { status, results } = await device.post({ type: "reading", data: offsets.length });
        expect(status).toBe(200);
        offsets.push(results[0]?.offset ?? 0);
      }
    });
    for (let round = 1; round <= RELOADS; round += 1) {
      const isEveryoneOn = () => stored.every((offsets) => offsets.length >= round) || undefined;
      await eventually(isEveryoneOn, `post ${round} of every device`);
      const limits = { events_per_post: 100 + round, frame_max_bytes: (64 + round) * 1024 };
      const channels = { [`n${round}`]: { presence: true } };
      const { changed } = await it.reload({ limits, channels });
      expect(changed).toContain("limits.events_per_post");
    }
    isOver = true;
    await Promise.all(posting);
    for (const [index, offsets] of stored.entries()) {
      const [first = 0, last = 0] = [offsets.at(0), offsets.at(-1)];
      expect(offsets.length).toBeGreaterThanOrEqual(RELOADS);
      expect(offsets).toEqual(fromTo(first, last));
      const reader = readers[index];
      await reader?.until(last);
      expect(reader?.offsets.filter((offset) => offset >= first)).toEqual(fromTo(first, last));
      expect(reader?.closes).toEqual([]);
      reader?.[Symbol.dispose]();
    }
    expect(it.server.logged("config.reload_failed")).toEqual([]);
    expect(it.server.logged("http.bug")).toEqual([]);
  });
});

function fromTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
