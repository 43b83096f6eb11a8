import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import type { GuidedDevice } from "../support/guided-device.ts";
import { eventually } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const STATE = "/v1/devices/till-1/state";

/** What the backend wants of till-1. */
function desire(fleet: Fleet, body: object | string, headers: Record<string, string> = {}) {
  return fleet.api("PATCH", STATE, { body, headers });
}

function report(till: GuidedDevice, body: object | string, headers: Record<string, string> = {}) {
  return till.ask("PATCH", "/state", { body, headers });
}

async function untilOnline(fleet: Fleet): Promise<void> {
  await eventually(async () => {
    const { body } = await fleet.api("GET", "/v1/devices/till-1");
    return body["online"] === true || undefined;
  }, "the poll to be held");
}

describe.each(TARGETS)("the state of a device of $name", (target) => {
  test("is merged patch by patch without a change to any number, and outlives a kill", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    await report(
      till,
      '{"sn":9007199254740993,"t":21.50,"gone":true,"fan":{"rpm":1200,"on":true}}',
    );
    const answer = await report(till, '{"gone":null,"fan":{"rpm":1e3},"zero":-0.0}');
    const reported = '{"sn":9007199254740993,"t":21.50,"fan":{"rpm":1e3,"on":true},"zero":-0.0}';
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(`"reported":${reported},"desired":{},"reported_version":2`);
    expect(answer.headers.get("etag")).toBe('"2"');
    // What says nothing new is no new version.
    expect((await report(till, '{"t":21.50}')).headers.get("etag")).toBe('"2"');
    await fleet.killAndRestart();
    const found = await fleet.api("GET", STATE);
    expect(found.text).toContain(`"reported":${reported},"desired":{},"reported_version":2`);
    expect(found.headers.get("etag")).toBe('"0"');
    expect((await till.ask("GET", "/state")).headers.get("etag")).toBe('"2"');
  });

  test("is changed only by who knows the version it has, where a version is named", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    expect((await desire(fleet, { a: 1 }, { "if-match": '"0"' })).status).toBe(200);
    const late = await desire(fleet, { a: 2 }, { "if-match": '"0"' });
    expect([late.status, late.body["code"]]).toEqual([412, "state_conflict"]);
    expect(late.text).toContain("version 1");
    // Each side has a version of its own.
    expect((await report(till, { a: 1 }, { "if-match": '"0"' })).status).toBe(200);
    expect((await report(till, { a: 2 }, { "if-match": '"0"' })).status).toBe(412);
    expect((await desire(fleet, { a: 3 }, { "if-match": '"1"' })).status).toBe(200);
    expect((await fleet.api("GET", STATE)).body).toMatchObject({
      desired: { a: 3 },
      desired_version: 2,
      reported: { a: 1 },
      reported_version: 1,
      delta: { a: 3 },
    });
  });

  test("refuses what is no patch, an unknown device, and the wrong secret", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const asked = [
      await report(till, "[1]"),
      await report(till, "{"),
      await report(till, { text: "x".repeat(40_000) }),
      await desire(fleet, {}, { "if-match": "three" }),
      await fleet.api("PATCH", "/v1/devices/nobody/state", { body: {} }),
      await report(fleet.device("till-1", "wrong"), { a: 1 }),
      await desire(fleet, { a: 1 }, { "x-api-key": "wrong" }),
    ];
    expect(asked.map(({ status, body }) => [status, body["code"]])).toEqual([
      [400, "state_invalid"],
      [400, "body_malformed"],
      [413, "state_too_large"],
      [400, "state_invalid"],
      [404, "device_unknown"],
      [401, "secret_wrong"],
      [401, "api_key_wrong"],
    ]);
    expect((await fleet.api("GET", STATE)).body).toMatchObject({ reported: {}, desired: {} });
  });

  test("is offered to a poll at once when more is desired, and again until it is followed", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    await desire(fleet, '{"volume":7.0,"lamp":{"on":true}}');
    const next = await till.poll("wait=30");
    expect(next.commands).toEqual([]);
    expect(next.text).toContain(
      '"state":{"delta":{"volume":7.0,"lamp":{"on":true}},"desired_version":1}',
    );
    // Offered, it hurries no poll any more, but is not forgotten at the end of one.
    const startedAt = performance.now();
    const later = await till.poll("wait=1");
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(later.body["state"]).toMatchObject({ desired_version: 1 });
    await report(till, { volume: 7 });
    const rest = await till.poll("wait=0");
    expect(rest.text).toContain('"state":{"delta":{"lamp":{"on":true}},"desired_version":1}');
    await report(till, { lamp: { on: true } });
    expect((await till.poll("wait=0")).status).toBe(204);
  });

  test("is offered at once to a poll that is held, to a stream and to a websocket", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const polling = till.poll("wait=30");
    await untilOnline(fleet);
    await desire(fleet, { lamp: "on" });
    const offer = { delta: { lamp: "on" }, desired_version: 1 };
    expect((await polling).body["state"]).toEqual(offer);
    using stream = await till.stream();
    using socket = await till.socket();
    const isOf = (version: number) => (line: string) =>
      line.includes(`"desired_version":${version}}`);
    // Whoever comes anew is told, for it may be a device that was switched off.
    await stream.lines.find(isOf(1), { what: "the offer on the stream" });
    await socket.lines.find(isOf(1), { what: "the offer on the websocket" });
    await desire(fleet, { lamp: "off" });
    const onStream = await stream.lines.find(isOf(2), { what: "the news on the stream" });
    const onSocket = await socket.lines.find(isOf(2), { what: "the news on the websocket" });
    const news = { delta: { lamp: "off" }, desired_version: 2 };
    expect(JSON.parse(onStream)).toEqual(news);
    expect(stream.text).toContain("event: state\ndata: ");
    expect(JSON.parse(onSocket)).toEqual({ state: news });
  });

  test("is published with each change of either side, numbers as they were", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using watcher = await FrameSocket.open(`${fleet.server.wsUrl}/login?token=${ownerToken()}`);
    await watcher.line(({ push }) => push?.connect !== undefined, "the connect push");
    await report(till, '{"t":21.50}');
    await report(till, '{"t":21.50}');
    await desire(fleet, '{"t":9007199254740993}');
    const published = (version: string) =>
      watcher.lines.find((line) => line.includes(version), { what: version });
    const first = await published('"reported_version":1,"desired_version":0');
    expect(first).toContain('"changed":"reported","reported":{"t":21.50},"desired":{}');
    const second = await published('"reported_version":1,"desired_version":1');
    expect(second).toContain('"type":"device.state"');
    expect(second).toContain(
      '"changed":"desired","reported":{"t":21.50},"desired":{"t":9007199254740993}',
    );
    const states = watcher.lines.items.filter((line) => line.includes('"device.state"'));
    expect(states).toHaveLength(2);
  });

  test("is there at once for a client that asks for it when it subscribes or logs in", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    await report(till, '{"t":21.50}');
    await desire(fleet, '{"t":22.0}');
    const state =
      '"data":{"state":{"device":"till-1","reported":{"t":21.50},"desired":{"t":22.0},"reported_version":1,"desired_version":1,"delta":{"t":22.0}}}';
    const { wsUrl } = fleet.server;
    using login = await FrameSocket.open(`${wsUrl}/login?token=${ownerToken()}&state=1`);
    const connect = await login.line(({ push }) => push?.connect !== undefined, "the connect push");
    expect(connect).toContain(state);
    using plain = await FrameSocket.open(`${wsUrl}/login?token=${ownerToken()}`);
    const without = await plain.line(({ push }) => push?.connect !== undefined, "a connect push");
    expect(without).not.toContain('"state"');

    using socket = await FrameSocket.open(`${wsUrl}/connection/websocket`);
    await socket.command({ connect: { token: ownerToken() } });
    const subscribe = { channel: till.channel, data: { state: true } };
    socket.send(JSON.stringify({ id: 9, subscribe }));
    const isReply = (line: string) => parseLine(line).id === 9;
    expect(await socket.lines.find(isReply, { what: "the reply" })).toContain(state);
  });
});

function ownerToken(): string {
  return signToken({ sub: "owner", devices: ["till-1"] });
}
