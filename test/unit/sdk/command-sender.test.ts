import { describe, expect, test } from "bun:test";
import { DENIED, doneWith, QUEUED, Scene, UNKNOWN } from "./command-scene.ts";

/** Ends the connection for good, as when another user signs in. */
async function stop(scene: Scene): Promise<void> {
  (await scene.server.peer(1)).close(4500, "replaced");
  await scene.app.next("stopped");
}

/** Cuts the connection while the server owes an answer to the first `command.send`. */
async function lostAnswer(scene: Scene): Promise<{ readonly answer: Promise<unknown> }> {
  await scene.app.next("connected");
  scene.answer = () => undefined;
  const answer = scene.open();
  await scene.call(1);
  (await scene.server.peer(1)).cut();
  await scene.app.next("connecting");
  return { answer };
}

describe("command() when another user may have signed in", () => {
  test("one whose answer was lost is asked for under its key, and never sent again", async () => {
    using scene = new Scene();
    scene.answer = () => undefined;
    const answer = scene.open();
    const { key } = await scene.call(1);
    await stop(scene);
    scene.answer = () => UNKNOWN;
    scene.app.posthorn.connect();
    expect(await scene.inTime(answer)).toBe("timeout");
    expect(scene.sent.items).toHaveLength(1);
    expect(scene.asked.items[0]).toEqual({ device: "7", key });
  });

  test("the same where the app connects again in the turn in which it stops", async () => {
    using scene = new Scene();
    const { posthorn } = scene.app;
    posthorn.on("status", ({ state }) => state === "stopped" && posthorn.connect());
    scene.answer = () => undefined;
    const answer = scene.open();
    await scene.call(1);
    scene.answer = () => UNKNOWN;
    await stop(scene);
    expect(await scene.inTime(answer)).toBe("timeout");
    expect(scene.sent.items).toHaveLength(1);
  });

  test("one that the server took is asked for under its id, and never sent again", async () => {
    using scene = new Scene();
    const answer = scene.open();
    await scene.call(1);
    await stop(scene);
    scene.answer = () => doneWith(7);
    scene.app.posthorn.connect();
    expect(await scene.inTime(answer)).toBe(7);
    expect(scene.sent.items).toHaveLength(1);
    expect(scene.asked.items[0]).not.toHaveProperty("type");
  });

  test("one that was not sent is given up, also where the app connects in that turn", async () => {
    const tickets = [null, "t"];
    using scene = new Scene({ getTicket: () => tickets.shift() ?? null });
    const { posthorn } = scene.app;
    posthorn.on("status", ({ state }) => state === "stopped" && posthorn.connect());
    expect(await scene.open()).toBe("signed_out");
    await scene.app.next("connected");
    scene.app.phone.clock.advance(5_000);
    expect(scene.sent.items).toEqual([]);
  });
});

describe("command() that is refused", () => {
  test("at its first sending is refused, and nothing is asked", async () => {
    using scene = new Scene();
    scene.answer = () => DENIED;
    expect(await scene.open()).toBe("refused");
    expect([scene.sent.items.length, scene.asked.items.length]).toEqual([1, 0]);
  });

  test.each([
    ["knows as done", doneWith(7), 7],
    ["does not know", UNKNOWN, "refused"],
    ["does not let this user see", DENIED, "timeout"],
  ])("after an answer was lost is what the server %s", async (_, known, end) => {
    using scene = new Scene();
    const { answer } = await lostAnswer(scene);
    scene.answer = (data) => ("type" in data ? DENIED : known);
    expect(await scene.inTime(answer)).toBe(end);
    expect([scene.sent.items.length, scene.asked.items.length]).toEqual([2, 1]);
  });

  test("after it was taken is asked for, also where the channel is not heard", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    scene.answer = (data) => {
      if ("wait" in data) return DENIED;
      return "type" in data ? QUEUED : doneWith(7);
    };
    expect(await scene.open()).toBe(7);
    expect(scene.asked.items).toEqual([{ device: "7", id: "c-1" }]);
  });
});

describe("the data of command()", () => {
  test("is as it was at the call, however often it is sent", async () => {
    using scene = new Scene();
    const data = { slot: 4 };
    const answer = scene.app.posthorn.device("7").command("open", data);
    data.slot = 5;
    await scene.callInTime(2);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
    expect(scene.sent.items.map((sent) => sent["data"])).toContainEqual({ slot: 4 });
    expect(scene.sent.items.map((sent) => sent["data"])).not.toContainEqual({ slot: 5 });
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  test.each([
    ["a cycle", cycle],
    ["a BigInt", { slot: 4n }],
    ["a function", () => 4],
  ])("is refused at once where it is %s", async (_, data) => {
    using scene = new Scene();
    const answer = scene.app.posthorn.device("7").command("open", data);
    const message = expect.stringMatching(/^Cannot send a command: data is no JSON: ./);
    const failure = await answer.catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "TypeError", message });
    await scene.app.next("connected");
    expect(scene.sent.items).toEqual([]);
  });
});
