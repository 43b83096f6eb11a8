import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import {
  belongsTo,
  checkCommandPattern,
  decideSubscribe,
  type Identity,
  isBoundTo,
  maySee,
  maySend,
  needsBinding,
  type SubscribeDecision,
} from "../../../src/core/grants.ts";
import type { Audience, Namespace } from "../../../src/core/namespaces.ts";
import { namespaceRules } from "../../support/gateway-world.ts";

const ANNA: Identity = {
  user: "anna",
  devices: new Set([parseDeviceId("42")]),
  commands: new Map([
    [parseDeviceId("42"), ["lamp.*", "ping"]],
    [parseDeviceId("blind"), ["*"]],
  ]),
  bindings: new Map([
    [parseDeviceId("hers"), ["*"]],
    [parseDeviceId("shown"), []],
  ]),
  unrestricted: false,
};
const NOBODY: Identity = {
  ...ANNA,
  user: "",
  devices: new Set(),
  commands: new Map(),
  bindings: new Map(),
};
const DEVELOPER: Identity = { ...NOBODY, unrestricted: true };

const CLOSED = namespaceRules({});
const OPEN = namespaceRules({ allowSubscribe: true });
const OPEN_TO_ALL = namespaceRules({ allowSubscribeAnonymous: true });
const ASKS = namespaceRules({ subscribeCallback: true, allowSubscribe: true });

describe("decideSubscribe()", () => {
  test.each<readonly [string, Identity, string, Namespace, SubscribeDecision]>([
    ["nobody where nothing allows it", ANNA, "chat:1", CLOSED, "denied"],
    ["whoever is signed in to open channels", ANNA, "chat:1", OPEN, "allowed"],
    ["nobody anonymous to those", NOBODY, "chat:1", OPEN, "denied"],
    ["everyone to channels open to all", NOBODY, "chat:1", OPEN_TO_ALL, "allowed"],
    ["nobody without a token to private ones", ANNA, "$chat:1", OPEN_TO_ALL, "needs_token"],
    ["a user to a channel of its name", ANNA, "chat:1#anna", CLOSED, "allowed"],
    ["one of several users", ANNA, "chat:1#bob,anna", CLOSED, "allowed"],
    ["no other user, not even to open channels", ANNA, "chat:1#bob", OPEN, "denied"],
    ["nobody by a part of a name", ANNA, "chat:1#annabel", CLOSED, "denied"],
    ["nobody anonymous where a name is missing", NOBODY, "chat:1#anna,", OPEN_TO_ALL, "denied"],
    ["nobody who is named before the last #", ANNA, "chat:#anna#bob", CLOSED, "denied"],
    ["an owner to its device", ANNA, "device:42", CLOSED, "allowed"],
    ["a user to a device that is bound to it", ANNA, "device:hers", CLOSED, "allowed"],
    ["nobody to a device it may only send to", ANNA, "device:blind", CLOSED, "denied"],
    ["no owner to another's device", ANNA, "device:43", CLOSED, "denied"],
    ["no owner to what only begins like its device", ANNA, "device:42:raw", CLOSED, "denied"],
    ["whom the backend says, before open channels", ANNA, "chat:1", ASKS, "ask"],
    ["an owner without asking the backend", ANNA, "device:42", ASKS, "allowed"],
    ["a developer to everything", DEVELOPER, "$chat:1#bob", CLOSED, "allowed"],
  ])("lets in %s", (...[, identity, channel, rules, decision]) => {
    expect(decideSubscribe(identity, parseChannel(channel), rules)).toBe(decision);
  });
});

describe("belongsTo()", () => {
  test.each<readonly [Audience, Identity, boolean, boolean]>([
    ["none", ANNA, true, false],
    ["subscriber", ANNA, true, true],
    ["subscriber", ANNA, false, false],
    ["subscriber", NOBODY, true, true],
    ["client", ANNA, false, true],
    ["client", NOBODY, true, false],
    ["none", DEVELOPER, false, true],
  ])("counts to %s %j, subscribed %j: %j", (...[audience, identity, isSubscribed, is]) => {
    expect(belongsTo(audience, identity, isSubscribed)).toBe(is);
  });
});

describe("maySee()", () => {
  test.each<readonly [Identity, string, boolean]>([
    [ANNA, "42", true],
    [ANNA, "hers", true],
    [ANNA, "shown", true],
    [ANNA, "blind", false],
    [ANNA, "43", false],
    [NOBODY, "42", false],
    [DEVELOPER, "43", true],
  ])("%j sees %s: %j", (identity, device, may) => {
    expect(maySee(identity, parseDeviceId(device))).toBe(may);
  });
});

describe("maySend()", () => {
  test.each<readonly [Identity, string, string, boolean]>([
    [ANNA, "42", "lamp.on", true],
    [ANNA, "42", "ping", true],
    [ANNA, "42", "pings", false],
    [ANNA, "42", "door.open", false],
    [ANNA, "hers", "door.open", true],
    [ANNA, "shown", "door.open", false],
    [ANNA, "blind", "door.open", true],
    [ANNA, "43", "ping", false],
    [NOBODY, "42", "ping", false],
    [DEVELOPER, "43", "door.open", true],
  ])("%j sends %s %s: %j", (...[identity, device, type, may]) => {
    expect(maySend(identity, parseDeviceId(device), type)).toBe(may);
  });
});

describe("checkCommandPattern()", () => {
  test("answers a pattern and throws for what is none", () => {
    expect(checkCommandPattern("lamp.{on,off}")).toBe("lamp.{on,off}");
    expect(() => checkCommandPattern("lamp.{on")).toThrow("a { is not closed");
  });
});

describe("needsBinding()", () => {
  test.each<readonly [string, Identity, string, Namespace, boolean]>([
    ["a device that is only bound", ANNA, "device:hers", CLOSED, true],
    ["a device that a token names too", ANNA, "device:42", CLOSED, false],
    ["a device whose channel is open", ANNA, "device:hers", OPEN, false],
    ["a device that the backend may allow", ANNA, "device:hers", ASKS, true],
    ["a device nobody lets it see", ANNA, "device:43", CLOSED, false],
    ["what a developer sees", DEVELOPER, "device:hers", CLOSED, false],
  ])("of %s", (...[, identity, channel, rules, needs]) => {
    expect(needsBinding(identity, parseChannel(channel), rules)).toBe(needs);
  });
});

describe("isBoundTo()", () => {
  test.each([
    ["device:hers", true],
    ["device:42", false],
    ["hers", false],
    ["device:hers:raw", false],
  ])("%s: %j", (channel, is) => {
    expect(isBoundTo(ANNA, parseChannel(channel))).toBe(is);
  });
});
