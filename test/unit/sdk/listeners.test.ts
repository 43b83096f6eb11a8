import { describe, expect, test } from "bun:test";
import { Listeners, listenersOf } from "../../../src/sdk/listeners.ts";

describe("Listeners", () => {
  test("a listener that removes itself while it is told does not keep the next from hearing", () => {
    const listeners = new Listeners<[number]>();
    const heard: string[] = [];
    const remove = listeners.add((value) => {
      heard.push(`first ${value}`);
      remove();
    });
    listeners.add((value) => heard.push(`second ${value}`));
    listeners.tell(1);
    listeners.tell(2);
    expect(heard).toEqual(["first 1", "second 1", "second 2"]);
  });

  test("the same function added twice is removed once at a time", () => {
    const listeners = new Listeners<[]>();
    let heard = 0;
    const listener = () => {
      heard += 1;
    };
    const remove = listeners.add(listener);
    listeners.add(listener);
    remove();
    remove();
    listeners.tell();
    expect(heard).toBe(1);
    expect(listeners.size).toBe(1);
  });
});

describe("listenersOf()", () => {
  const known = { event: new Listeners<[]>(), state: new Listeners<[]>() };

  test("gives those of the name", () => {
    expect(listenersOf(known, "state")).toBe(known.state);
  });

  test.each([
    ["evnt", "evnt"],
    ["toString", "toString"],
    [undefined, "undefined"],
  ])("%p is none, and it says which there are", (name, told) => {
    const find = () => listenersOf(known, name as "event");
    expect(find).toThrow(new TypeError(`Cannot listen to ${told}: wanted one of event, state`));
  });
});
