import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { afterNews, BindingChanges } from "../../../src/ws/binding-changes.ts";

const A = parseDeviceId("a");
const B = parseDeviceId("b");
const OF_ANNA = { user: "anna", device: A, commands: ["*"] };
const OF_BOB = { user: "bob", device: A };
const OF_ALL = { device: B };

describe("BindingChanges", () => {
  test("tells a user of its own changes and of those of everyone, oldest first", () => {
    const changes = new BindingChanges(10);
    changes.note(OF_ANNA);
    const noted = changes.count;
    for (const news of [OF_BOB, OF_ALL, OF_ANNA]) changes.note(news);
    expect(changes.since(noted, "anna")).toEqual([OF_ALL, OF_ANNA]);
    expect(changes.since(noted, "bob")).toEqual([OF_BOB, OF_ALL]);
    expect(changes.since(changes.count, "anna")).toEqual([]);
  });

  test("cannot tell who missed more than is remembered", () => {
    const changes = new BindingChanges(3);
    for (const news of [OF_BOB, OF_BOB, OF_ANNA]) changes.note(news);
    expect(changes.since(0, "anna")).toEqual([OF_ANNA]);
    changes.note(OF_ALL);
    expect(changes.since(0, "anna")).toBeUndefined();
    expect(changes.since(1, "anna")).toEqual([OF_ANNA, OF_ALL]);
  });
});

describe("afterNews()", () => {
  test("adds, changes and ends bindings, and leaves what was read alone", () => {
    const read = new Map([[A, ["1"]]]);
    expect([...afterNews(read, { user: "u", device: B, commands: ["2"] })]).toEqual([
      [A, ["1"]],
      [B, ["2"]],
    ]);
    expect([...afterNews(read, { user: "u", device: A, commands: [] })]).toEqual([[A, []]]);
    expect([...afterNews(read, { user: "u", device: A })]).toEqual([]);
    expect([...afterNews(read, { device: A })]).toEqual([]);
    expect(read.size).toBe(1);
  });
});
