import { describe, expect, test } from "bun:test";
import {
  type BindingChange,
  type BindingFanout,
  createDeviceBindings,
  parseOwner,
} from "../../../src/core/bindings.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { MemoryBindings } from "../../support/memory-bindings.ts";

const A = parseDeviceId("a");
const B = parseDeviceId("b");

function make() {
  const store = new MemoryBindings();
  const told: (BindingChange | string)[] = [];
  const fanout: BindingFanout = {
    bindingChanged: (change) => told.push(change),
    deviceRemoved: (device) => told.push(`${device} removed`),
  };
  return { store, told, bindings: createDeviceBindings({ store, fanout }) };
}

describe("bind() and unbind()", () => {
  test("store first and tell then", async () => {
    const { store, told, bindings } = make();
    const release = store.hold("writes");
    const binding = bindings.bind("anna", A, ["*"]);
    await Promise.resolve();
    expect(told).toEqual([]);
    release();
    await binding;
    expect(told).toEqual([{ user: "anna", device: A, commands: ["*"] }]);
    await bindings.unbind("anna", A);
    expect(told[1]).toEqual({ user: "anna", device: A });
    expect(await bindings.ofUser("anna")).toEqual([]);
  });

  test("of one user take their turns, so that who is told last is told what is stored last", async () => {
    const { store, told, bindings } = make();
    const release = store.hold("writes");
    const slow = bindings.bind("anna", A, ["1"]);
    await Promise.resolve();
    store.holdNoMore("writes");
    const others = [bindings.unbind("anna", A), bindings.bind("anna", A, ["2"])];
    await bindings.bind("bob", A, ["3"]);
    expect(told).toEqual([{ user: "bob", device: A, commands: ["3"] }]);
    release();
    await Promise.all([slow, ...others]);
    const ofAnna = told.filter((it) => typeof it !== "string" && it.user === "anna");
    expect(ofAnna).toEqual([
      { user: "anna", device: A, commands: ["1"] },
      { user: "anna", device: A },
      { user: "anna", device: A, commands: ["2"] },
    ]);
  });

  test("go on after one that failed", async () => {
    const { store, bindings } = make();
    store.refusals.set(A, "full");
    const failed = bindings.bind("anna", A, ["*"]);
    const next = bindings.bind("anna", B, ["*"]);
    await expect(failed).rejects.toMatchObject({ code: "bindings_full" });
    await next;
    expect(await bindings.ofUser("anna")).toMatchObject([{ device: B }]);
  });

  test.each([
    ["full", "bindings_full", "a user may have 1000 devices and a device 1000 users"],
    ["device_unknown", "device_unknown", 'there is no device "a"'],
  ] as const)(
    "refuses what the store calls %s, and tells nobody",
    async (outcome, code, detail) => {
      const { store, told, bindings } = make();
      store.refusals.set(A, outcome);
      await expect(bindings.bind("anna", A, ["*"])).rejects.toMatchObject({ code, detail });
      expect(told).toEqual([]);
    },
  );

  test("unbind() tells also when there is nothing any more, which an attempt before may not have told", async () => {
    const { told, bindings } = make();
    await expect(bindings.unbind("anna", A)).rejects.toMatchObject({
      code: "binding_unknown",
      detail: 'device "a" is not bound to "anna"',
    });
    expect(told).toEqual([{ user: "anna", device: A }]);
  });

  test("bind() tells what is stored by now when a device was removed meanwhile", async () => {
    const { store, told, bindings } = make();
    const release = store.hold("writes");
    const binding = bindings.bind("anna", A, ["*"]);
    await Promise.resolve();
    store.forget(A);
    bindings.deviceRemoved(A);
    release();
    await binding;
    expect(told).toEqual(["a removed", { user: "anna", device: A }]);
  });

  test("bind() tells its own when another device was removed meanwhile", async () => {
    const { store, told, bindings } = make();
    const release = store.hold("writes");
    const binding = bindings.bind("anna", A, ["x"]);
    await Promise.resolve();
    bindings.deviceRemoved(B);
    release();
    await binding;
    expect(told).toEqual(["b removed", { user: "anna", device: A, commands: ["x"] }]);
  });
});

describe("ofUser() and ofDevice()", () => {
  test("tell who owns what", async () => {
    const { bindings } = make();
    await bindings.bind("anna", B, []);
    await bindings.bind("anna", A, ["*"]);
    await bindings.bind("bob", A, ["x"]);
    expect(await bindings.ofUser("anna")).toEqual([
      { user: "anna", device: A, commands: ["*"] },
      { user: "anna", device: B, commands: [] },
    ]);
    expect((await bindings.ofDevice(A)).map(({ user }) => user)).toEqual(["anna", "bob"]);
  });
});

describe("parseOwner()", () => {
  test.each(["anna", "用户:1", "a b", "x".repeat(LIMITS.userMaxChars)])("takes %j", (text) => {
    expect(parseOwner(text)).toBe(text);
  });

  test.each(["", "a\nb", "a\u0000", "\ud800", "x".repeat(LIMITS.userMaxChars + 1)])(
    "refuses %j",
    (text) => {
      expect(() => parseOwner(text)).toThrow("wanted 1 to 255 characters on one line");
    },
  );
});
