import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import {
  belongsTo,
  decideSubscribe,
  type Identity,
  type SubscribeDecision,
} from "../../../src/core/grants.ts";
import type { Audience, Namespace } from "../../../src/core/namespaces.ts";
import { namespaceRules } from "../../support/gateway-world.ts";

const ANNA: Identity = {
  user: "anna",
  devices: new Set([parseDeviceId("42")]),
  unrestricted: false,
};
const NOBODY: Identity = { ...ANNA, user: "", devices: new Set() };
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
