import { describe, expect, test } from "bun:test";
import type { CommandOptions } from "../../../src/sdk/posthorn.d.ts";
import { eventually } from "../../support/inbox.ts";
import { DENIED, doneWith, Scene, UNKNOWN } from "./command-scene.ts";

describe("command() and what a device may still obey", () => {
  /** An app that has just lost its network. */
  async function offline(scene: Scene): Promise<void> {
    await scene.app.next("connected");
    scene.app.phone.changeNetwork("none");
    await scene.app.next("connecting");
  }

  test.each<[CommandOptions, number]>([
    [{}, 2],
    [{ timeout: 28_500 }, 1],
    [{ ttl: 600 }, 572],
  ])(
    "%j: one that could be sent after 28 s only has the rest of its time",
    async (options, ttl) => {
      using scene = new Scene();
      await offline(scene);
      const answer = scene.open(options);
      scene.app.phone.clock.advance(28_000);
      scene.answer = () => doneWith(7);
      scene.app.phone.changeNetwork("wifi");
      expect(await answer).toBe(7);
      expect(scene.sent.items).toMatchObject([{ ttl }]);
    },
  );

  test("one that is sent again has less time than before", async () => {
    using scene = new Scene();
    const answer = scene.open();
    expect(await scene.call(1)).toMatchObject({ ttl: 30 });
    expect(await scene.callInTime(2)).toMatchObject({ ttl: 20 });
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("one that could not be sent in its time is given up then, and never sent", async () => {
    using scene = new Scene();
    await offline(scene);
    const answer = scene.open({ timeout: 20_000 });
    scene.app.phone.clock.advance(20_000);
    expect(await answer).toBe("timeout");
    scene.app.phone.changeNetwork("wifi");
    await scene.app.next("connected");
    expect([...scene.sent.items, ...scene.asked.items]).toEqual([]);
  });

  test("one that could not be sent while a device might obey it has expired", async () => {
    using scene = new Scene();
    await offline(scene);
    const answer = scene.open({ ttl: 10, timeout: 60_000 });
    scene.app.phone.clock.advance(10_000);
    scene.app.phone.changeNetwork("wifi");
    expect(await answer).toBe("expired");
    expect([...scene.sent.items, ...scene.asked.items]).toEqual([]);
  });

  test("is not sent after its time when the clock of the phone is set back then", async () => {
    using scene = new Scene();
    const { connect } = scene.server.script;
    await scene.app.next("connected");
    const answer = scene.open();
    await scene.call(1);
    scene.server.script.connect = () => ({ close: [3004, "internal server error"] });
    (await scene.server.peer(1)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(35_000);
    scene.app.phone.timeOfDayErrorMs = -3_600_000;
    scene.server.script.connect = connect;
    const sent = scene.sent.items.length;
    expect(await scene.inTime(answer)).toBe("timeout");
    expect(scene.sent.items).toHaveLength(sent);
    expect(scene.asked.items).toHaveLength(1);
  });

  test("is asked for once a second when only its end is to be learnt, where nothing is heard", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    const answer = scene.open({ ttl: 1, timeout: 60_000 });
    await scene.call(2);
    const { clock } = scene.app.phone;
    const fromMs = clock.nowMs;
    clock.advance(2_000);
    await eventually(() => {
      clock.advance(100);
      return scene.asked.items[4];
    }, "the fifth question");
    expect(clock.nowMs - fromMs).toBeGreaterThanOrEqual(5_000);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("has no more time when the user sets the clock of the phone back", async () => {
    using scene = new Scene();
    await offline(scene);
    const answer = scene.open();
    scene.app.phone.timeOfDayErrorMs = -3_600_000;
    scene.app.phone.changeNetwork("wifi");
    expect(await scene.call(1)).toMatchObject({ ttl: 30 });
    scene.app.phone.clock.advance(30_000);
    expect(await answer).toBe("timeout");
    expect(scene.asked.items).toHaveLength(1);
  });

  /** A command whose frame the network has lost, and an app that is shown again when its time is over. */
  async function lost(scene: Scene, options: CommandOptions = {}) {
    await scene.app.next("connected");
    const [task] = scene.app.phone.tasks;
    task?.goSilent();
    const answer = scene.open(options);
    const key = await eventually(
      () => task?.sent.map((text) => /"key":"([^"]+)"/.exec(text)?.[1]).find(Boolean),
      "that it was sent",
    );
    scene.app.phone.hide();
    scene.app.phone.clock.advance(45_000);
    scene.app.phone.show();
    return { answer, key };
  }

  test.each<CommandOptions>([{}, { ttl: 600 }])(
    "%j: one that was lost is not sent when its time is over, but asked for by its key",
    async (options) => {
      using scene = new Scene();
      scene.answer = () => UNKNOWN;
      const { answer, key } = await lost(scene, options);
      expect(await answer).toBe("timeout");
      expect(scene.asked.items).toEqual([{ device: "7", key }]);
      expect(scene.sent.items).toEqual([]);
    },
  );

  test("one of which only the answer was lost is found by its key", async () => {
    using scene = new Scene();
    scene.answer = () => doneWith(7);
    const { answer } = await lost(scene);
    expect(await answer).toBe(7);
    expect(scene.sent.items).toEqual([]);
  });

  test("one that was lost is not sent when a device may not obey it any more, though there is time", async () => {
    using scene = new Scene();
    scene.answer = () => UNKNOWN;
    const { answer } = await lost(scene, { ttl: 10, timeout: 60_000 });
    expect(await answer).toBe("timeout");
    expect(scene.sent.items).toEqual([]);
  });
});

describe("the times of a command", () => {
  const MILLISECONDS = "wanted a number of milliseconds from 1 to 86400000";
  const SECONDS = "wanted a number of seconds from 1 to 2592000";

  test.each([
    ["timeout", Number.POSITIVE_INFINITY, MILLISECONDS],
    ["timeout", Number.NaN, MILLISECONDS],
    ["timeout", -1, MILLISECONDS],
    ["timeout", 0, MILLISECONDS],
    ["timeout", 86_400_001, MILLISECONDS],
    ["timeout", "20000", MILLISECONDS],
    ["ttl", Number.NaN, SECONDS],
    ["ttl", 0, SECONDS],
    ["ttl", 2_592_001, SECONDS],
  ])("%s %p is refused", async (name, value, wanted) => {
    using scene = new Scene();
    await scene.app.next("connected");
    const found = typeof value === "string" ? JSON.stringify(value) : value;
    const sending = scene.app.posthorn.device("7").command("open", null, { [name]: value });
    await expect(sending).rejects.toMatchObject({
      name: "TypeError",
      message: `Cannot send a command: ${name} is ${found}, ${wanted}`,
    });
    expect(scene.sent.items).toEqual([]);
  });

  test("a day is not too long", async () => {
    using scene = new Scene();
    const answer = scene.open({ timeout: 86_400_000 });
    expect(await scene.call(1)).toMatchObject({ ttl: 86_400 });
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });
});

describe("command() and its time", () => {
  /** A command that reached the server; its answer is still to come. */
  async function sentIn(scene: Scene): Promise<{ readonly answer: Promise<unknown> }> {
    await scene.app.next("connected");
    const answer = scene.open({ timeout: 30_000 });
    await scene.call(1);
    return { answer };
  }

  test("one that is overdue when the app is shown is asked for before it is given up", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    scene.app.phone.hide();
    scene.app.phone.clock.advance(45_000);
    scene.answer = () => doneWith(7);
    scene.app.phone.show();
    expect(await answer).toBe(7);
    expect(scene.asked.items).toEqual([{ device: "7", id: "c-1" }]);
  });

  test("one that has no answer even then is given up", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    scene.app.phone.hide();
    scene.app.phone.clock.advance(45_000);
    const sent = scene.sent.items.length;
    scene.app.phone.show();
    expect(await answer).toBe("timeout");
    expect(scene.sent.items).toHaveLength(sent);
    expect(scene.asked.items).toHaveLength(1);
  });

  test("a server that does not answer the last question is waited for some seconds", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    let ended: unknown;
    void answer.then((it) => {
      ended = it;
    });
    scene.app.phone.hide();
    scene.app.phone.clock.advance(45_000);
    scene.server.script.rpc = () => undefined;
    scene.app.phone.show();
    await scene.lastQuestion(2);
    scene.app.phone.clock.advance(4_000);
    await null;
    expect(ended).toBeUndefined();
    scene.app.phone.clock.advance(2_000);
    expect(await answer).toBe("timeout");
  });

  test("a connection that breaks during the last question leaves time for another", async () => {
    using scene = new Scene();
    const { connect } = scene.server.script;
    const { answer } = await sentIn(scene);
    scene.app.phone.hide();
    scene.app.phone.clock.advance(45_000);
    const { rpc } = scene.server.script;
    scene.server.script.rpc = () => undefined;
    scene.app.phone.show();
    await scene.lastQuestion(2);
    scene.server.script.connect = () => ({ close: [3004, "internal server error"] });
    (await scene.server.peer(2)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(30_000);
    scene.server.script.connect = connect;
    scene.server.script.rpc = rpc;
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("without a connection it is not given up, until one is there to ask over", async () => {
    using scene = new Scene();
    const { connect } = scene.server.script;
    const { answer } = await sentIn(scene);
    scene.server.script.connect = () => ({ close: [3004, "internal server error"] });
    scene.answer = () => doneWith(7);
    (await scene.server.peer(1)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(90_000);
    await scene.server.peer(2);
    scene.server.script.connect = connect;
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("without a connection for minutes it is given up", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    scene.server.script.connect = () => ({ close: [3004, "internal server error"] });
    (await scene.server.peer(1)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(30_000 + 5 * 60_000);
    expect(await answer).toBe("timeout");
  });

  test("hours in which the app was hidden do not count", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    scene.app.phone.clock.advance(29_000);
    scene.app.phone.hide();
    scene.app.phone.clock.advance(20 * 60_000);
    scene.answer = () => doneWith(7);
    scene.app.phone.show();
    expect(await answer).toBe(7);
  });

  test("a client that was stopped for good has nobody to ask", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    (await scene.server.peer(1)).close(4500, "replaced");
    await scene.app.next("stopped");
    scene.app.phone.clock.advance(30_000);
    expect(await answer).toBe("timeout");
  });

  test("connections that break at every last question do not make it wait for ever", async () => {
    using scene = new Scene();
    const { answer } = await sentIn(scene);
    scene.answer = () => ({ close: [3004, "internal server error"] });
    (await scene.server.peer(1)).cut();
    const { clock } = scene.app.phone;
    const fromMs = clock.nowMs;
    let ended: unknown;
    void answer.then((it) => {
      ended = it;
    });
    await eventually(() => {
      clock.advance(5_000);
      return ended;
    }, "the end");
    expect(ended).toBe("timeout");
    expect(scene.asked.items.length).toBeGreaterThan(3);
    expect(clock.nowMs - fromMs).toBeLessThanOrEqual(30_000 + 5 * 60_000 + 10_000);
  });

  test("what the app is hidden while it waits for a connection does not count", async () => {
    using scene = new Scene();
    const { connect } = scene.server.script;
    const { answer } = await sentIn(scene);
    scene.server.script.connect = () => ({ close: [3004, "internal server error"] });
    (await scene.server.peer(1)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(30_000 + 4 * 60_000);
    scene.app.phone.hide();
    scene.app.phone.clock.advance(20 * 60_000);
    scene.server.script.connect = connect;
    scene.answer = () => doneWith(7);
    scene.app.phone.show();
    expect(await scene.inTime(answer)).toBe(7);
  });
});
