import { expect, test } from "bun:test";
import { Doorway } from "../../../src/http/doorway.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const INFO = {
  remoteAddress: "127.0.0.1",
  upgrade: () => false,
  holdOpen: () => () => undefined,
};

const LIMITS = { heldAtDoorway: 3, doorwayHoldMs: 15_000 };

function openWorld() {
  const clock = new FakeClock();
  const doorway = new Doorway({ clock, log: new RecordingLog(), limits: LIMITS });
  const ask = () => doorway.enter(new Request("http://localhost/"), INFO);
  return { clock, doorway, ask };
}

const saying = (text: string) => async () => new Response(text);

test("Doorway holds who comes before it is open, then lets all of them in", async () => {
  const { doorway, ask } = openWorld();
  const answers = [ask(), ask()];
  doorway.open(saying("in"));
  expect(await Promise.all(answers.map(async (it) => (await it).text()))).toEqual(["in", "in"]);
  expect(await (await ask()).text()).toBe("in");
});

test("Doorway holds again once it is closed, and lets those in at the next server", async () => {
  const { doorway, ask } = openWorld();
  doorway.open(saying("first"));
  doorway.close();
  const held = ask();
  doorway.open(saying("second"));
  expect(await (await held).text()).toBe("second");
});

test("Doorway tells who waited too long, or is one too many, to come again", async () => {
  const { clock, ask } = openWorld();
  const held = Array.from({ length: LIMITS.heldAtDoorway }, ask);
  const tooMany = await ask();
  expect([tooMany.status, tooMany.headers.get("retry-after")]).toEqual([503, "1"]);
  clock.advance(LIMITS.doorwayHoldMs);
  expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([503]));
});

test("Doorway ends connections with their answers while the server leaves, and no longer", async () => {
  const { doorway, ask } = openWorld();
  doorway.open(saying("in"));
  doorway.leave(true);
  expect((await ask()).headers.get("connection")).toBe("close");
  doorway.leave(false);
  expect((await ask()).headers.get("connection")).toBeNull();
});
