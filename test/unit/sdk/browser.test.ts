import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { createPosthorn } from "../../../src/sdk/browser.ts";
import type { Posthorn, Status } from "../../../src/sdk/posthorn.d.ts";
import { Inbox } from "../../support/inbox.ts";
import { ScriptedServer } from "./scripted-server.ts";

/** A window whose page the test hides and shows. */
class FakeWindow {
  readonly WebSocket = WebSocket;
  readonly document: EventTarget & { visibilityState: string };
  readonly #events = new EventTarget();
  addEventListener = this.#events.addEventListener.bind(this.#events);

  constructor() {
    this.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  }

  setVisible(isVisible: boolean): void {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  tell(name: "online" | "offline"): void {
    this.#events.dispatchEvent(new Event(name));
  }
}

const open: Posthorn[] = [];

afterEach(() => {
  for (const posthorn of open.splice(0)) posthorn.close();
  setSystemTime();
});

function pageOf(server: ScriptedServer) {
  const window = new FakeWindow();
  const posthorn = createPosthorn({ url: server.url, platform: { name: "browser", api: window } });
  open.push(posthorn);
  const statuses = new Inbox<Status>();
  posthorn.on("status", (status) => statuses.push(status));
  const connected = (from: number) =>
    statuses.find(({ state }) => state === "connected", { what: "the connection", from });
  return { window, posthorn, statuses, connected };
}

describe("the browser SDK", () => {
  test("connects through the browser's own WebSocket", async () => {
    using server = new ScriptedServer();
    const { connected } = pageOf(server);
    await connected(0);
    const peer = await server.peer(1);
    const { connect } = await peer.command((it) => it.connect !== undefined, "the connect");
    expect(connect?.name).toBe("posthorn-browser");
  });

  test("stops before it asks for a ticket where there is no WebSocket", async () => {
    let asked = 0;
    const getTicket = () => {
      asked += 1;
      return "ticket";
    };
    const platform = { name: "browser", api: {} } as const;
    const create = () => createPosthorn({ url: "ws://127.0.0.1:1", getTicket, platform });
    expect(create).toThrow("Cannot connect: found no WebSocket here");
    expect(create).toThrow("Cannot connect: found no WebSocket here");
    await Promise.resolve();
    expect(asked).toBe(0);
  });

  test("a hidden page keeps its connection", async () => {
    using server = new ScriptedServer();
    const { window, posthorn, connected } = pageOf(server);
    await connected(0);
    window.setVisible(false);
    window.setVisible(true);
    expect(posthorn.status.state).toBe("connected");
    expect(server.peers.items).toHaveLength(1);
  });

  test("a page whose timers were slow while it was hidden was not frozen", async () => {
    using server = new ScriptedServer();
    const { window, posthorn, connected } = pageOf(server);
    await connected(0);
    window.setVisible(false);
    setSystemTime(Date.now() + 20_000);
    window.setVisible(true);
    expect(posthorn.status.state).toBe("connected");
  });

  test("a page that heard nothing for too long replaces its connection", async () => {
    using server = new ScriptedServer();
    const { window, connected, statuses } = pageOf(server);
    await connected(0);
    const from = statuses.items.length;
    window.setVisible(false);
    setSystemTime(Date.now() + 60_000);
    window.setVisible(true);
    await connected(from);
    expect(server.peers.items).toHaveLength(2);
  });

  test("the end of a network and the next one replace the connection", async () => {
    using server = new ScriptedServer();
    const { window, posthorn, connected, statuses } = pageOf(server);
    await connected(0);
    window.tell("offline");
    expect(posthorn.status.state).toBe("connecting");
    const from = statuses.items.length;
    window.tell("online");
    await connected(from);
    expect(server.peers.items).toHaveLength(2);
  });

  test("an online event without an offline one before it replaces nothing", async () => {
    using server = new ScriptedServer();
    const { window, posthorn, connected } = pageOf(server);
    await connected(0);
    window.tell("online");
    expect(posthorn.status.state).toBe("connected");
    expect(server.peers.items).toHaveLength(1);
  });

  test("a server that is not there is no connection that was lost", async () => {
    const server = new ScriptedServer();
    server[Symbol.dispose]();
    const { statuses } = pageOf(server);
    const { problem } = await statuses.find((it) => it.problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem?.cause).toBe("network_unknown");
  });

  test("a page that is shown hurries an attempt that was to wait", async () => {
    using server = new ScriptedServer();
    const { window, connected, statuses } = pageOf(server);
    await connected(0);
    const from = statuses.items.length;
    (await server.peer(1)).close(3004, "internal server error");
    await statuses.find(({ state }) => state === "connecting", { what: "the cut", from });
    window.setVisible(true);
    await connected(from);
  });
});
