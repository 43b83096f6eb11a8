import { describe, expect, test } from "bun:test";
import { Gate } from "../../../src/sdk/gate.ts";
import type { LinkEvents, Platform } from "../../../src/sdk/platform.ts";
import { createSocketClass } from "../../../src/sdk/socket-class.ts";

/** One socket of a platform that the test plays. */
function world() {
  const told: string[] = [];
  let events: LinkEvents | undefined;
  const platform: Platform = {
    name: "wx",
    losesOpen: false,
    freezes: true,
    open: (_, given) => {
      events = given;
      return {
        send: (text) => void told.push(`send ${text}`),
        close: () => void told.push("close"),
      };
    },
    onShow: () => undefined,
    onHide: () => undefined,
    onNetwork: () => undefined,
    findNetwork: () => undefined,
    language: () => "",
  };
  const Socket = createSocketClass(platform, {
    gate: new Gate(),
    heard: () => undefined,
    sent: () => undefined,
    troubled: () => undefined,
    ended: () => undefined,
    lost: () => undefined,
  });
  const socket = new Socket("wss://x");
  socket.onopen = () => void told.push("onopen");
  if (events === undefined) throw new Error("the socket asked for no link");
  return { socket, events, told };
}

describe("a socket that was closed before its opening", () => {
  test("is closed once more when it opens all the same, and nobody takes it for open", () => {
    const { socket, events, told } = world();
    socket.close();
    events.opened();
    socket.send("{}");
    events.closed(1000, "");
    expect(told).toEqual(["close", "close"]);
  });

  test("is open for whoever has not closed it", () => {
    const { socket, events, told } = world();
    events.opened();
    socket.send("{}");
    expect(told).toEqual(["onopen", "send {}"]);
  });
});
