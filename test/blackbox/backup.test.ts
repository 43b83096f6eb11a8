import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, rename, stat } from "node:fs/promises";
import { runCli, runCliOk } from "../support/cli.ts";
import { confined } from "../support/confined.ts";
import { Device, type EventResult } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { configure, type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import type { WireSubscription } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("posthorn backup and restore on $name", (target) => {
  test("a backup under load has every event acknowledged before, and who was ahead is told so", async () => {
    await using site = await startSite(target);
    const { workspace, device } = site;
    await using posting = postOnAndOn(site);
    await posting.acknowledged(200);
    const before = posting.ids();
    const printed = await runCliOk(target, ["backup", "safe/copy.db", "--json"], { workspace });
    await posting.acknowledged(posting.ids().length + 50);
    await posting.stop();
    const { epoch = "", offset: top = 0 } = await subscribe(site.server, {});
    const ahead = { epoch, offset: top };
    expect(await site.server.stop()).toBe(0);

    const copy = JSON.parse(printed);
    expect([copy.file, copy.devices]).toEqual([workspace.file("safe/copy.db"), 1]);
    expect(copy.publications).toBeGreaterThan(before.length);
    expect((await stat(copy.file)).mode & 0o777).toBe(0o600);

    await configure(workspace, { server: { data: "restored" } });
    await runCliOk(target, ["restore", "safe/copy.db"], { workspace });
    await using server = await startPosthorn(target, { workspace });
    const again = new Device(server.url, device);
    // An event that is stored is known as one when it comes again.
    const unknown = await postAll(again, before, ({ duplicate }) => duplicate !== true);
    expect(unknown).toEqual([]);

    const { offset = 0 } = await subscribe(server, {});
    expect(offset).toBeLessThan(ahead.offset);
    const more = Array.from({ length: ahead.offset - offset + 5 }, (_, index) => `new-${index}`);
    expect(await postAll(again, more, ({ duplicate }) => duplicate === true)).toEqual([]);
    // The place where the client was is taken by another publication now.
    const back = await subscribe(server, { recover: true, ...ahead });
    expect(back.recovered ?? false).toBe(false);
    expect(back.epoch).not.toBe(ahead.epoch);
    expect(back.offset).toBeGreaterThan(ahead.offset);
  });

  test("refuse what would cost somebody data, and say what to do", async () => {
    await using site = await startSite(target);
    const { workspace } = site;
    const run = (...args: string[]) => runCli(target, args, { workspace });
    await runCliOk(target, ["backup", "copy.db"], { workspace });
    expect(await run("backup", "copy.db")).toMatchObject({
      code: 1,
      stderr: "Cannot write copy.db: it is there already, replace it with --force\n",
    });
    expect(await run("backup", "copy.db", "--force")).toMatchObject({ code: 0, stderr: "" });
    expect((await run("restore", "copy.db")).stderr).toContain("another server serves it already");
    expect(await site.server.stop()).toBe(0);
    expect((await run("restore", "copy.db")).stderr).toContain("move what is there away");
    expect((await run("backup", "x.db", "--data", "nowhere")).stderr).toContain("there is none at");
    await workspace.write("other.db", "no database at all, but long enough to be taken for one");
    const wrong = await run("restore", "other.db", "--data", "fresh");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("other.db")]);
    expect(await Bun.file(workspace.file("fresh/posthorn.db")).exists()).toBe(false);
    expect(await readdir(workspace.path)).not.toContainEqual(expect.stringContaining(".partial"));
  });

  test("a server whose store is replaced is not ready, takes no posts and says why", async () => {
    await using site = await startSite(target);
    const { workspace, server } = site;
    const store = workspace.file("data/posthorn.db");
    const forced = await runCli(target, ["backup", store, "--force"], { workspace });
    expect([forced.code, forced.stderr]).toEqual([1, expect.stringContaining("the store itself")]);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await runCliOk(target, ["backup", "copy.db"], { workspace });
    await rename(workspace.file("copy.db"), store);
    const { status } = await site.device.post({ type: "t", data: 1 });
    expect([status, (await fetch(`${server.url}/readyz`)).status]).toEqual([503, 503]);
    const { error } = await server.waitForLog("store.failed");
    expect(error).toContain(`${store} was replaced by another one while it was served`);
  });

  test("a full disk is told of as what it is, and the file that is whole is not blamed", async () => {
    await using site = await startSite(target);
    const { workspace } = site;
    await runCliOk(target, ["backup", "copy.db"], { workspace });
    const prelude = "mkdir -p small; mount -t tmpfs -o size=64k posthorn small";
    const small = confined(target, { own: "m", prelude });
    for (const [args, file] of [
      [["backup", "small/copy.db"], "small/copy.db"],
      [["restore", "copy.db", "--data", "small"], "small/posthorn.db"],
    ] as const) {
      const { code, stderr } = await runCli(small, args, { workspace });
      const told = `Cannot write ${workspace.file(file)}: the disk is full (free some space on it)\n`;
      expect([code, stderr]).toEqual([1, told]);
    }
  });
});

/** Posts one event after the other, several at a time, and remembers which were acknowledged. */
function postOnAndOn({ device }: Site) {
  const ids: string[] = [];
  const waiting = new Map<number, () => void>();
  let isStopped = false;
  let next = 0;
  const post = async (): Promise<void> => {
    while (!isStopped) {
      const id = `e${next++}`;
      const { status } = await device.post({ id, type: "t", data: id });
      if (status !== 200) throw new Error(`Cannot post ${id}: ${status}`);
      ids.push(id);
      for (const [count, resolve] of waiting) if (ids.length >= count) resolve();
    }
  };
  const posting = Promise.all([post(), post(), post(), post()]);
  const stop = async () => {
    isStopped = true;
    await posting;
  };
  return {
    ids: () => [...ids],
    acknowledged: (count: number) =>
      Promise.race([new Promise<void>((resolve) => waiting.set(count, resolve)), posting]),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Posts events of these ids; gives the ids of which the result is as it should not be. */
async function postAll(
  device: Device,
  ids: readonly string[],
  isWrong: (result: EventResult) => boolean,
): Promise<string[]> {
  const wrong: string[] = [];
  for (let from = 0; from < ids.length; from += 100) {
    const events = ids.slice(from, from + 100).map((id) => ({ id, type: "t", data: id }));
    const { results } = await device.post(events);
    expect(results).toHaveLength(events.length);
    wrong.push(...results.filter(isWrong).map(({ id }) => id ?? ""));
  }
  return wrong;
}

async function subscribe(server: Posthorn, options: object): Promise<WireSubscription> {
  using socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
  await socket.command({ connect: { token: signToken({ sub: "u", devices: ["42"] }) } });
  const { subscribe: result } = await socket.command({
    subscribe: { channel: "device:42", ...options },
  });
  if (result === undefined) throw new Error("Cannot subscribe");
  return result;
}
