import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { Presence } from "../../../src/core/presence.ts";

const CHANNEL = parseChannel("chat:1");
const OTHER = parseChannel("chat:2");

describe("Presence", () => {
  test("lists who entered, with what is known of them, in that order", () => {
    const presence = new Presence();
    presence.enter(CHANNEL, { user: "anna", client: "c1", connInfo: "1" });
    presence.enter(CHANNEL, { user: "bob", client: "c2" });
    presence.enter(OTHER, { user: "eve", client: "c3" });
    expect(presence.list(CHANNEL)).toEqual([
      { user: "anna", client: "c1", connInfo: "1" },
      { user: "bob", client: "c2" },
    ]);
  });

  test("counts clients, and users each once", () => {
    const presence = new Presence();
    presence.enter(CHANNEL, { user: "anna", client: "c1" });
    presence.enter(CHANNEL, { user: "anna", client: "c2" });
    presence.enter(CHANNEL, { user: "", client: "c3" });
    expect(presence.stats(CHANNEL)).toEqual({ clients: 3, users: 2 });
  });

  test("forgets who left, in that channel alone", () => {
    const presence = new Presence();
    presence.enter(CHANNEL, { user: "anna", client: "c1" });
    presence.enter(OTHER, { user: "anna", client: "c1" });
    presence.leave(CHANNEL, "c1");
    expect(presence.list(CHANNEL)).toEqual([]);
    expect(presence.stats(OTHER)).toEqual({ clients: 1, users: 1 });
  });

  test("replaces what is known of a client that enters again", () => {
    const presence = new Presence();
    presence.enter(CHANNEL, { user: "anna", client: "c1" });
    presence.enter(CHANNEL, { user: "anna", client: "c1", chanInfo: "2" });
    expect(presence.list(CHANNEL)).toEqual([{ user: "anna", client: "c1", chanInfo: "2" }]);
  });

  test("does not mind a leave of someone who never came", () => {
    const presence = new Presence();
    presence.leave(CHANNEL, "c1");
    expect(presence.stats(CHANNEL)).toEqual({ clients: 0, users: 0 });
  });
});
