import { describe, expect, test } from "bun:test";
import type { Device, DeviceEvent, Problem } from "../../../src/sdk/posthorn.d.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import { eventually, Inbox } from "../../support/inbox.ts";
import { type Peer, ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

const DENIED = { error: { code: 103, message: "permission denied" } };

function stateOf(version: number) {
  const versions = { reported_version: version, desired_version: 0 };
  return { reported: { version }, desired: {}, ...versions };
}

/** A page about device 7 whose channel the server brings by itself, as it does for what is bound. */
class Page implements Disposable {
  readonly server = new ScriptedServer();
  readonly app: App;
  readonly device: Device;
  readonly events = new Inbox<DeviceEvent>();
  readonly problems = new Inbox<Problem>();
  readonly gaps = new Inbox<"gap">();

  constructor() {
    this.server.script.subscribe = () => DENIED;
    this.server.script.rpc = () => ({ rpc: { data: { online: true, state: stateOf(4) } } });
    this.app = new App(miniprogram, { url: this.server.url });
    this.device = this.app.posthorn.device("7");
    this.device.on("problem", (problem) => this.problems.push(problem));
    this.device.on("event", (event) => this.events.push(event));
    this.device.on("gap", () => this.gaps.push("gap"));
  }

  /** Waits for the refusal that comes as long as nothing is bound. */
  async refused(): Promise<Peer> {
    await this.problems.find(() => true, { what: "the refusal" });
    return this.server.peer(1);
  }

  bind(peer: Peer): void {
    const subscribe = { recoverable: true, positioned: true, epoch: "e", offset: 3 };
    peer.send({ push: { channel: "device:7", subscribe } });
  }

  async bound(peer: Peer): Promise<void> {
    this.bind(peer);
    await eventually(() => this.device.online, "that it is online");
  }

  unbind(peer: Peer): void {
    const unsubscribe = { code: 2000, reason: "server unsubscribe" };
    peer.send({ push: { channel: "device:7", unsubscribe } });
  }

  /** Loses the connection and comes back. */
  async comeBack(peer: Peer): Promise<void> {
    peer.cut();
    await this.app.next("connecting");
    await eventually(() => {
      this.app.phone.clock.advance(500);
      return this.app.posthorn.status.state === "connected" || undefined;
    }, "the new connection");
  }

  event(data: number): Promise<DeviceEvent> {
    return this.events.find((it) => it.data === data, { what: `event ${data}` });
  }

  [Symbol.dispose](): void {
    this.app[Symbol.dispose]();
    this.server[Symbol.dispose]();
  }
}

describe("a device that is bound and unbound while a page listens", () => {
  test("comes to life with the binding, and what is known of it is asked for", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.bound(peer);
    expect(page.device.state?.reported).toEqual({ version: 4 });
    peer.publish("device:7", { type: "t", data: 1 }, 4);
    await page.event(1);
  });

  test("is told as a problem once when the binding goes, and nothing stale is shown", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.bound(peer);
    page.unbind(peer);
    const { items } = page.problems;
    expect(await eventually(() => items[1], "the problem")).toMatchObject({
      cause: "channel_denied",
    });
    expect([page.device.online, page.device.state]).toEqual([undefined, undefined]);
    await page.bound(peer);
    peer.publish("device:7", { type: "t", data: 1 }, 4);
    await page.event(1);
    expect(items).toHaveLength(2);
  });

  test("a subscription of the page's own that the server ends leaves nothing stale either", async () => {
    using page = new Page();
    const peer = await page.refused();
    page.server.script.subscribe = () => ({ subscribe: { data: { state: stateOf(5) } } });
    page.device.on("online", () => undefined);
    await eventually(() => page.device.online, "that it is online");
    page.unbind(peer);
    await eventually(() => page.problems.items[1], "the problem");
    expect([page.device.online, page.device.state]).toEqual([undefined, undefined]);
    await page.bound(peer);
  });

  test("an answer that comes after the binding went is not believed", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.bound(peer);
    const { rpc } = page.server.script;
    page.server.script.rpc = () => undefined;
    page.unbind(peer);
    await eventually(() => page.problems.items[1], "the problem");
    const question = (number: number) =>
      eventually(() => {
        const asked = peer.commands.items.filter((it) => it.rpc !== undefined);
        return asked[number - 1];
      }, `question ${number}`);
    page.bind(peer);
    const { id } = await question(2);
    page.unbind(peer);
    await eventually(() => page.problems.items[2], "the next problem");
    peer.send({ id, ...rpc("device.get", {}) });
    page.bind(peer);
    await question(3);
    expect([page.device.online, page.device.state]).toEqual([undefined, undefined]);
  });

  test("who knows it from before is told by the answer, though no subscription begins", async () => {
    using page = new Page();
    await page.bound(await page.refused());
    const late = new Inbox<boolean>();
    page.device.on("online", (online) => late.push(online));
    expect(late.items).toEqual([true]);
  });
});

describe("a device whose channel the server gave before a cut", () => {
  test("is subscribed to from where it was when the server does not give it again", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.bound(peer);
    peer.publish("device:7", { type: "t", data: 1 }, 4);
    await page.event(1);
    const missed = { data: { type: "t", data: 2 }, offset: 5 };
    const recovery = { recoverable: true, epoch: "e", offset: 5, was_recovering: true };
    page.server.script.subscribe = () => ({
      subscribe: { ...recovery, recovered: true, publications: [missed] },
    });
    await page.comeBack(peer);
    await page.event(2);
    const again = await page.server.peer(2);
    const { subscribe } = await again.command((it) => it.subscribe !== undefined, "subscription");
    expect(subscribe).toMatchObject({ recover: true, offset: 4, epoch: "e" });
    expect(page.events.items.map(({ data }) => data)).toEqual([1, 2]);
    expect(page.problems.items).toHaveLength(1);
  });

  test("tells the gap when the server has not kept what was missed", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.bound(peer);
    const recovery = { recoverable: true, epoch: "e", offset: 900, was_recovering: true };
    page.server.script.subscribe = () => ({ subscribe: recovery });
    await page.comeBack(peer);
    await page.gaps.find(() => true, { what: "the gap" });
  });
});

describe("a device that was refused", () => {
  test("is asked for again by every new connection, and told as a problem once", async () => {
    using page = new Page();
    const peer = await page.refused();
    await page.comeBack(peer);
    const second = await page.server.peer(2);
    await second.command((it) => it.subscribe !== undefined, "the second attempt");
    page.server.script.subscribe = () => ({ subscribe: { recoverable: true, epoch: "e" } });
    await page.comeBack(second);
    const third = await page.server.peer(3);
    await third.command((it) => it.subscribe !== undefined, "the third attempt");
    third.publish("device:7", { type: "t", data: 1 }, 1);
    await page.event(1);
    expect(page.problems.items).toHaveLength(1);
  });
});
