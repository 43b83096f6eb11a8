import { describe, expect, test } from "bun:test";
import { createConnectionRoom, entryWithRoom } from "../../../src/compose/connection-room.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** Tight from 136 on, full from 168 on. */
const MAX = 200;

function world({ clientsMax = 100, max = MAX } = {}) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const files = { max, open: 10, count: () => files.open };
  const done: string[] = [];
  const doors = {
    pause: () => void done.push("pause"),
    resume: () => void done.push("resume"),
    closeIdle: () => void done.push("closeIdle"),
  };
  const room = createConnectionRoom({ clock, log }, { current: clientsMax }, files);
  const cancel = room.watch(doors);
  const look = (open: number, times = 1) => {
    files.open = open;
    for (let time = 0; time < times; time += 1) clock.advance(LIMITS.openFilesLookMs);
    return done.splice(0);
  };
  return { clock, log, room, look, cancel };
}

describe("createConnectionRoom()", () => {
  test("says when fewer clients fit than the configuration has, and only then", () => {
    expect(world().log.lines).toEqual([]);
    const [found] = world({ clientsMax: 5_000 }).log.of("limits.fitted");
    expect(found).toMatchObject({ clientsMax: 5_000, openFilesMax: MAX, clientsAtMost: 136 });
  });

  test("keeps a twentieth free of many, and neither too few nor too many", () => {
    const tightAt = (max: number) =>
      world({ clientsMax: Number.POSITIVE_INFINITY, max }).log.of("limits.fitted")[0]?.[
        "clientsAtMost"
      ];
    expect([tightAt(1_024), tightAt(20_000), tightAt(1_000_000)]).toEqual([922, 18_000, 996_000]);
  });

  test("is tight before it is full: idle connections end, others are still accepted", () => {
    const { room, look } = world();
    expect([look(135), room.isTight()]).toEqual([[], false]);
    expect([look(136), room.isTight()]).toEqual([["closeIdle"], true]);
    expect([look(20), room.isTight()]).toEqual([[], false]);
  });

  test("accepts nobody while it is full, and somebody once there is room again", () => {
    const { log, look } = world();
    expect(look(168)).toEqual(["closeIdle", "pause"]);
    expect(look(200, 8)).toEqual(Array(8).fill("closeIdle"));
    expect(look(140)).toEqual(["closeIdle"]);
    expect(look(135)).toEqual(["resume"]);
    expect([log.of("connections.full"), log.of("connections.room")]).toEqual([
      [expect.objectContaining({ openFiles: 168, openFilesMax: MAX })],
      [{ openFiles: 135, openFilesMax: MAX }],
    ]);
  });

  test("holds off for longer whoever fills it again, until it was not full for a while", () => {
    const { clock, look } = world();
    const pausedFor = () => {
      look(168);
      for (let looks = 1; ; looks += 1) {
        if (look(10).includes("resume")) return looks * LIMITS.openFilesLookMs;
      }
    };
    expect([pausedFor(), pausedFor(), pausedFor()]).toEqual([500, 1_000, 2_000]);
    for (let more = 0; more < 8; more += 1) pausedFor();
    expect(pausedFor()).toBe(LIMITS.acceptPauseMaxMs);
    clock.advance(LIMITS.acceptForgivenMs);
    expect(pausedFor()).toBe(LIMITS.acceptPauseMs);
  });

  test("looks no more once it is not watched", () => {
    const { cancel, look } = world();
    cancel();
    expect(look(200, 4)).toEqual([]);
  });

  test("has always room where the machine does not tell", () => {
    const clock = new FakeClock();
    const parts = { clock, log: new RecordingLog() };
    expect(createConnectionRoom(parts, { current: 1e9 }, undefined).isTight()).toBe(false);
  });
});

test("entryWithRoom() ends a connection with its answer while files are short, and no handshake", async () => {
  const { room, look } = world();
  const entry = entryWithRoom(async () => new Response("x"), room);
  const info = { remoteAddress: "", upgrade: () => true, holdOpen: () => () => undefined };
  const connectionOf = async (headers: Record<string, string> = {}) =>
    (await entry(new Request("http://h/", { headers }), info)).headers.get("connection");
  expect(await connectionOf()).toBeNull();
  look(150);
  expect([await connectionOf(), await connectionOf({ upgrade: "websocket" })]).toEqual([
    "close",
    null,
  ]);
});
