import { describe, expect, test } from "bun:test";
import type { DeviceEvent } from "../../../src/sdk/posthorn.d.ts";
import { Inbox } from "../../support/inbox.ts";
import { BUSY, DENIED, doneWith, QUEUED, Scene } from "./command-scene.ts";

/** Longer than any pause before a first new attempt. */
const RETRY_MS = 1_500;

describe("command() where the device's channel cannot be heard", () => {
  test("asks for the answer under the same key, and lets the server wait for it", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    scene.answer = ({ wait }) => (wait === undefined ? QUEUED : doneWith(7));
    expect(await scene.open()).toBe(7);
    const [first, second] = scene.sent.items;
    expect(second).toEqual({ ...first, wait: 5 });
  });

  test("never lets the server wait beyond the command's own time", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    scene.answer = ({ wait }) => (wait === undefined ? QUEUED : doneWith(7));
    await scene.open({ timeout: 1_500 });
    expect(scene.sent.items[1]?.["wait"]).toBe(1.5);
  });

  test("asks again and again, also a server that lets nobody wait", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    scene.answer = ({ wait }) => (wait === undefined ? QUEUED : BUSY);
    const answer = scene.open();
    await scene.callInTime(6);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("does not flood a server that answers at once although it was to wait", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    const answer = scene.open({ timeout: 60_000 });
    await scene.call(2);
    scene.app.phone.clock.advance(0);
    await scene.app.next("connected");
    scene.app.phone.clock.advance(199);
    expect(scene.sent.items).toHaveLength(2);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
  });

  test("tells the refusal of the channel once, however many commands are sent", async () => {
    using scene = new Scene();
    scene.server.script.subscribe = () => DENIED;
    scene.answer = () => doneWith(7);
    const causes: string[] = [];
    scene.app.posthorn.device("7").on("problem", ({ cause }) => causes.push(cause));
    for (let sent = 0; sent < 3; sent += 1) await scene.open();
    expect(causes).toEqual(["channel_denied"]);
    const { items } = (await scene.server.peer(1)).commands;
    expect(items.filter(({ subscribe }) => subscribe !== undefined)).toHaveLength(1);
  });
});

describe("command() and what may be lost", () => {
  test("its end is found when the first subscription was interrupted", async () => {
    using scene = new Scene();
    const { subscribe } = scene.server.script;
    scene.server.script.subscribe = () => undefined;
    const answer = scene.open();
    // Taken, and asked for: there is no subscription yet.
    await scene.call(2);
    scene.server.script.subscribe = subscribe;
    scene.answer = () => doneWith(7);
    (await scene.server.peer(1)).cut();
    await scene.app.next("connecting");
    scene.app.phone.clock.advance(RETRY_MS);
    expect(await answer).toBe(7);
  });

  test("its end is found when the subscription came only after it", async () => {
    using scene = new Scene();
    const { subscribe } = scene.server.script;
    scene.server.script.subscribe = () => ({
      error: { code: 100, message: "internal server error", temporary: true },
    });
    const answer = scene.open({ timeout: 60_000 });
    // The second one was to wait, and was let go.
    await scene.call(2);
    scene.server.script.subscribe = subscribe;
    scene.answer = () => doneWith(7);
    scene.app.phone.clock.advance(RETRY_MS);
    expect(await answer).toBe(7);
  });

  test("its end is found when it was replayed and the answer that names it was lost", async () => {
    using scene = new Scene();
    await scene.app.next("connected");
    scene.answer = () => undefined;
    const answer = scene.open();
    await scene.call(1);
    const done = { command: "c-1", type: "open", status: "done", result: { ok: true, data: 7 } };
    scene.server.script.subscribe = () => ({
      subscribe: {
        recoverable: true,
        epoch: "e",
        recovered: true,
        was_recovering: true,
        publications: [{ data: { type: "command.done", data: done }, offset: 1 }],
      },
    });
    scene.answer = () => QUEUED;
    scene.app.phone.hide();
    scene.app.phone.clock.advance(20_000);
    scene.app.phone.show();
    expect(await answer).toBe(7);
  });

  test("its end is found when its publication never came", async () => {
    using scene = new Scene();
    const answer = scene.open();
    await scene.call(1);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
    expect(scene.app.phone.clock.nowMs - Date.UTC(2026, 0, 1)).toBeLessThanOrEqual(11_000);
  });

  test("an answer without data is one that has no end yet", async () => {
    using scene = new Scene();
    scene.answer = () => ({ rpc: {} });
    const answer = scene.open();
    await scene.call(1);
    // In the same turn as the answer, which makes it nobody's.
    scene.tellDone(await scene.server.peer(1), 6);
    scene.answer = () => doneWith(7);
    expect(await scene.inTime(answer)).toBe(7);
    expect(scene.app.phone.errors).toEqual([]);
  });

  test("one that was taken is not called refused when the right to send has gone", async () => {
    using scene = new Scene();
    const answer = scene.open();
    await scene.call(1);
    scene.answer = () => DENIED;
    await scene.callInTime(2);
    scene.tellDone(await scene.server.peer(1), 7);
    expect(await answer).toBe(7);
  });

  test("no timer is left of one that has ended while it was to be sent again", async () => {
    using scene = new Scene();
    const events = new Inbox<DeviceEvent>();
    scene.app.posthorn.device("7").on("event", (event) => events.push(event));
    const peer = await scene.server.peer(1);
    await peer.command(({ subscribe }) => subscribe !== undefined, "the subscription");
    peer.publish("device:7", { type: "t", data: 1 }, 1);
    await events.find(() => true, { what: "the event" });
    scene.app.phone.clock.advance(0);
    const { appTimers } = scene.app.phone.clock;
    const answer = scene.open();
    await scene.call(1);
    scene.answer = () => BUSY;
    await scene.callInTime(2);
    // Behind the refusal, which plans the next attempt.
    scene.tellDone(peer, 7);
    expect(await answer).toBe(7);
    expect(scene.app.phone.clock.appTimers).toBe(appTimers);
  });
});

describe("command() and commands of others", () => {
  /** A command that the server took and has not answered yet. */
  async function unanswered(scene: Scene) {
    await scene.app.next("connected");
    scene.answer = () => undefined;
    const answer = scene.open();
    const peer = await scene.server.peer(1);
    await peer.command(({ subscribe }) => subscribe !== undefined, "the subscription");
    const { id } = await peer.command(({ rpc }) => rpc?.method === "command.send", "the command");
    return { answer, peer, reply: () => peer.send({ id, ...QUEUED }) };
  }

  test("another user's command under the same key does not end it", async () => {
    using scene = new Scene();
    const { answer, peer, reply } = await unanswered(scene);
    scene.tellDone(peer, "before the answer", "c-2");
    reply();
    scene.tellDone(peer, "after the answer", "c-3");
    scene.tellDone(peer, 7);
    expect(await answer).toBe(7);
  });

  test("an end that was told before its answer came is its own", async () => {
    using scene = new Scene();
    const { answer, peer, reply } = await unanswered(scene);
    scene.tellDone(peer, 7);
    scene.tellDone(peer, "of another", "c-2");
    reply();
    expect(await answer).toBe(7);
    expect(scene.sent.items).toHaveLength(1);
  });

  test("of what is told before the answer a bounded part is kept", async () => {
    using scene = new Scene();
    const { answer, peer, reply } = await unanswered(scene);
    scene.tellDone(peer, "told too early");
    for (let other = 0; other < 20; other += 1) scene.tellDone(peer, 0, `other-${other}`);
    reply();
    scene.answer = () => doneWith("asked for");
    expect(await scene.inTime(answer)).toBe("asked for");
  });
});

describe("command() when the device's channel is lost", () => {
  test("is asked for at once", async () => {
    using scene = new Scene();
    const heard = new Inbox<unknown>();
    scene.app.posthorn.device("7").on("state", (state) => heard.push(state));
    scene.server.script.subscribe = () => ({
      subscribe: {
        recoverable: true,
        epoch: "e",
        offset: 0,
        data: { state: { reported: {}, desired: {}, reported_version: 1, desired_version: 0 } },
      },
    });
    await heard.find(() => true, { what: "the subscription" });
    const answer = scene.open();
    await scene.call(1);
    scene.answer = () => doneWith(7);
    const unsubscribe = { code: 2000, reason: "no longer yours" };
    (await scene.server.peer(1)).send({ push: { channel: "device:7", unsubscribe } });
    expect(await answer).toBe(7);
  });
});

describe("command() while nothing can be sent", () => {
  test("rejects at once when nobody is signed in", async () => {
    using scene = new Scene({ getTicket: () => null });
    await scene.app.next("stopped");
    await expect(scene.app.posthorn.device("7").command("open")).rejects.toMatchObject({
      code: "signed_out",
      message: "Cannot send a command: nobody is signed in",
    });
  });

  test("rejects at once when the connection is stopped", async () => {
    using scene = new Scene();
    (await scene.server.peer(1)).close(4500, "replaced");
    await scene.app.next("stopped");
    const message = expect.stringMatching(/^Cannot send a command: the connection is stopped: ./);
    await expect(scene.app.posthorn.device("7").command("open")).rejects.toMatchObject({
      code: "stopped",
      message,
    });
  });

  test("rejects when it turns out that nobody is signed in, and is not sent later", async () => {
    const tickets = [null, "t"];
    using scene = new Scene({ getTicket: () => tickets.shift() ?? null });
    expect(await scene.open()).toBe("signed_out");
    scene.app.posthorn.connect();
    await scene.app.next("connected");
    scene.app.phone.clock.advance(5_000);
    expect(scene.sent.items).toEqual([]);
  });
});

describe("after close()", () => {
  test("device() and on() say so, and command() rejects", async () => {
    using scene = new Scene();
    const { posthorn } = scene.app;
    const device = posthorn.device("7");
    posthorn.close();
    const end = "close() was called, and createPosthorn() opens a new connection";
    expect(() => posthorn.device("7")).toThrow(`Cannot give device 7: ${end}`);
    expect(() => posthorn.on("status", () => undefined)).toThrow(`Cannot tell the status: ${end}`);
    expect(() => device.on("event", () => undefined)).toThrow(`Cannot listen to device 7: ${end}`);
    const { appTimers } = scene.app.phone.clock;
    await expect(device.command("open")).rejects.toMatchObject({ code: "closed" });
    expect(scene.app.phone.clock.appTimers).toBe(appTimers);
  });
});
