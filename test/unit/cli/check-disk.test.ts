import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeRoom } from "../../../src/cli/check-disk.ts";

const FILE = join(tmpdir(), "posthorn-none", "posthorn.db");

test("probeRoom() fails where the disk has less room than wanted, also for a store that is to be made", async () => {
  const [found] = await probeRoom(FILE, Number.POSITIVE_INFINITY);
  expect(found).toMatchObject({ status: "fail", remedy: expect.stringContaining("Make room") });
  expect(found?.found).toContain(`on the disk of ${FILE}`);
});

test("probeRoom() says nothing where there is room", async () => {
  expect(await probeRoom(FILE, 0)).toEqual([]);
});
