import { afterEach, beforeEach, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import type { ControlChannel } from "../../../src/control/control-channel.ts";
import { listenForControl, reachControl } from "../../../src/control/control-socket.ts";
import { PredecessorLink } from "../../../src/control/predecessor.ts";
import { type Giving, giveTo } from "../../../src/control/successor.ts";
import { TAKEOVER_LIMITS } from "../../../src/core/takeover-limits.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { Workspace } from "../../support/workspace.ts";

const SELF = { pid: 7, version: "1" };
const REQUEST = {
  method: "GET",
  url: "http://localhost/",
  headers: [],
  body: "",
  address: "",
  isCertified: false,
};

let workspace: Workspace;
let clock: FakeClock;
let scope: AsyncDisposableStack;

beforeEach(async () => {
  scope = new AsyncDisposableStack();
  workspace = scope.use(await Workspace.make());
  clock = new FakeClock();
});
afterEach(() => scope.disposeAsync());

/** Both ends of one connection. */
async function openChannels(): Promise<{ old: ControlChannel; new: ControlChannel }> {
  const { promise, resolve } = Promise.withResolvers<ControlChannel>();
  scope.use(await listenForControl(workspace.file("c"), resolve));
  const channel = await reachControl(workspace.file("c"));
  if (channel === undefined) throw new Error("Cannot reach the socket that was just made");
  return { old: await promise, new: scope.use(channel) };
}

/** Resolves when one more message has been taken from the channel. */
function hearing(channel: ControlChannel): () => Promise<void> {
  const next = channel.next.bind(channel);
  let taken = Promise.withResolvers<void>();
  channel.next = async () => {
    const waiting = next();
    taken.resolve();
    return await waiting;
  };
  return async () => {
    taken = Promise.withResolvers();
    await taken.promise;
  };
}

function givingTo(steps: string[]): Giving {
  return {
    leave: async () => void steps.push("leave"),
    stay: () => void steps.push("stay"),
    giveStore: async () => void steps.push("store"),
    handOn: () => void steps.push("hand on"),
  };
}

const forever = new Promise(() => undefined);

test("a control socket lets in nobody but its owner, and is replaced by the next one", async () => {
  const path = workspace.file("c");
  await using _first = await listenForControl(path, () => undefined);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const { promise, resolve } = Promise.withResolvers<string>();
  await using _second = await listenForControl(path, () => resolve("second"));
  using _channel = await reachControl(path);
  expect(await promise).toBe("second");
});

test("reachControl() finds nobody where no socket is, or one that nobody serves any more", async () => {
  expect(await reachControl(workspace.file("none"))).toBeUndefined();
  const path = workspace.file("c");
  const gone = await listenForControl(path, () => undefined);
  await gone[Symbol.asyncDispose]();
  expect(await reachControl(path)).toBeUndefined();
});

test("everything is given step by step, and late requests are answered by the new one", async () => {
  const channels = await openChannels();
  const steps: string[] = [];
  const asked = Promise.withResolvers<unknown>();
  const giving: Giving = {
    ...givingTo(steps),
    handOn: (handing) => asked.resolve(handing.ask(REQUEST)),
  };
  const link = new PredecessorLink(channels.new, { ...SELF, clock });
  const prepared = link.prepared();
  expect(await channels.old.next()).toEqual({ type: "takeover", ...SELF });
  const given = giveTo(channels.old, giving, { clock, ending: forever });
  await prepared;
  expect(steps).toEqual(["leave"]);
  await link.giveStore();
  expect(steps).toEqual(["leave", "store"]);
  const serving = link.serve(async () => ({ status: 204, headers: [], body: "" }));
  expect(await asked.promise).toEqual({ status: 204, headers: [], body: "" });
  clock.advance(TAKEOVER_LIMITS.takeoverLingerMs);
  expect(await given).toBe("given");
  channels.old[Symbol.dispose]();
  await serving;
});

test("a new one that is gone before it listens gets nothing", async () => {
  const channels = await openChannels();
  const steps: string[] = [];
  const given = giveTo(channels.old, givingTo(steps), { clock, ending: forever });
  channels.new[Symbol.dispose]();
  expect(await given).toBe("abandoned");
  expect(steps).toEqual(["leave", "stay"]);
});

test("a new one that is gone with the store is told of", async () => {
  const channels = await openChannels();
  const steps: string[] = [];
  const given = giveTo(channels.old, givingTo(steps), { clock, ending: forever });
  await channels.new.next();
  channels.new.send({ type: "listening" });
  await channels.new.next();
  channels.new[Symbol.dispose]();
  expect(await given).toBe("lost");
  expect(steps).toEqual(["leave", "store"]);
});

test("the one that lingers goes when another one waits", async () => {
  const channels = await openChannels();
  const given = giveTo(channels.old, givingTo([]), { clock, ending: forever });
  const link = new PredecessorLink(channels.new, { ...SELF, clock });
  await channels.new.next();
  await link.giveStore();
  const serving = link.serve(async () => undefined);
  const leaving = link.leave();
  expect(await given).toBe("given");
  channels.old[Symbol.dispose]();
  await Promise.all([serving, leaving]);
});

test("a refusal, and no answer in time, are told in words", async () => {
  const channels = await openChannels();
  const link = new PredecessorLink(channels.new, { ...SELF, clock });
  channels.old.send({ type: "refused", why: "it is shutting down" });
  await expect(link.prepared()).rejects.toThrow("Cannot take over: it is shutting down");
  const silent = link.prepared();
  clock.advance(TAKEOVER_LIMITS.takeoverStepMs);
  await expect(silent).rejects.toThrow("the running server did not answer");
});

test("a new one waits as long as the old one says that it still sends its clients away", async () => {
  const channels = await openChannels();
  const gone = Promise.withResolvers<void>();
  const giving = { ...givingTo([]), leave: () => gone.promise };
  const link = new PredecessorLink(channels.new, { ...SELF, clock });
  const prepared = link.prepared();
  await channels.old.next();
  const given = giveTo(channels.old, giving, { clock, ending: forever });
  const { takeoverStepMs, leavingTellMs } = TAKEOVER_LIMITS;
  let takenMs = 0;
  const heard = hearing(channels.new);
  for (; takenMs < 3 * takeoverStepMs; takenMs += leavingTellMs) {
    clock.advance(leavingTellMs);
    await heard();
  }
  gone.resolve();
  await prepared;
  channels.new[Symbol.dispose]();
  expect(await given).toBe("abandoned");
});

test("a peer that does not speak our language is cut off", async () => {
  const channels = await openChannels();
  channels.new.send({ nonsense: true } as never);
  expect(await channels.old.next()).toBeUndefined();
  await channels.new.closed;
});
