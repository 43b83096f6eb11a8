import { expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { openAll } from "../../../src/ws/open-all.ts";
import { countOpenings } from "../../support/count-openings.ts";
import { clientOf, connected, DEVICE_42, gatewayWorld } from "../../support/gateway-world.ts";

const DEVICE_43 = parseChannel("device:43");
const NOWHERE = parseChannel("nowhere:1");
const SUBS = [{ channel: DEVICE_43 }, { channel: DEVICE_42 }];
const sinceOf = () => [{ epoch: "epochone", offset: 0 }];

/** A client that missed 20 bytes of one channel and 5 of another, and may get 30; counts what is open. */
async function world() {
  const it = gatewayWorld({ limits: { recoveryMaxBytes: 30 } });
  for (const channel of [DEVICE_43, DEVICE_43, DEVICE_43, DEVICE_43, DEVICE_42]) {
    await it.publish(channel, '"123"');
  }
  await connected(it);
  const client = clientOf(it);
  return { it, client, counts: countOpenings(client) };
}

test("openAll() gives up the first reading of what it reads again", async () => {
  const { client, counts } = await world();
  const openings = await openAll(client, { subs: SUBS, sinceOf });
  expect(openings.map(({ plan }) => plan.channel)).toEqual([DEVICE_43, DEVICE_42]);
  expect(openings.map(({ opening }) => opening.loaded.publications.length)).toEqual([4, 1]);
  expect(counts).toEqual({ open: 2, opened: 3 });
});

test("openAll() leaves nothing open when one channel cannot be read", async () => {
  const { it, client, counts } = await world();
  const history = it.streams.history.bind(it.streams);
  it.streams.history = (channel, query) =>
    channel === DEVICE_43 ? Promise.reject(new Error("disk on fire")) : history(channel, query);
  await expect(openAll(client, { subs: SUBS, sinceOf })).rejects.toThrow("disk on fire");
  expect(counts).toEqual({ open: 0, opened: 1 });
});

test("openAll() leaves nothing open when one channel cannot be read again", async () => {
  const { it, client, counts } = await world();
  const history = it.streams.history.bind(it.streams);
  it.streams.history = (channel, query) =>
    query.maxBytes === 15 ? history(channel, query) : Promise.reject(new Error("disk on fire"));
  await expect(openAll(client, { subs: SUBS, sinceOf })).rejects.toThrow("disk on fire");
  expect(counts).toEqual({ open: 0, opened: 2 });
});

test("openAll() leaves nothing open when a state cannot be read", async () => {
  const { it, client, counts } = await world();
  it.devices.beforeState = () => Promise.reject(new Error("disk on fire"));
  const opening = openAll(client, { subs: SUBS, sinceOf, withStates: true });
  await expect(opening).rejects.toThrow("disk on fire");
  expect(counts).toEqual({ open: 0, opened: 3 });
});

test("openAll() opens nothing when a channel has no namespace", async () => {
  const { client, counts } = await world();
  const subs = [...SUBS, { channel: NOWHERE }];
  await expect(openAll(client, { subs, sinceOf })).rejects.toThrow("nowhere");
  expect(counts.opened).toBe(0);
});

test("openAll() lets subscriptions share the room for what arrives meanwhile", async () => {
  const { client } = await world();
  const rooms = new Set<unknown>();
  const { subscriptions } = client.services;
  const open = subscriptions.open;
  subscriptions.open = (request) => {
    rooms.add(request.room);
    return open(request);
  };
  await openAll(client, { subs: SUBS, sinceOf });
  expect(rooms.size).toBe(1);
});
