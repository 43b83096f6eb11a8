import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const EVENT = JSON.stringify({ type: "t", data: 1 });
const ONE_PER_SECOND = { failures_per_address_per_second: 1, failures_per_address_burst: 10 };

describe.each(TARGETS)("callers of $name", (target) => {
  test("posts_per_device: those above it get 429 with when to come back, neighbours none", async () => {
    const limits = { posts_per_device_per_second: 1, posts_per_device_burst: 3 };
    await using fleet = await Fleet.start(target, { limits });
    const [till, gate] = [await fleet.addDevice("till-1"), await fleet.addDevice("gate-1")];
    for (let post = 0; post < 3; post += 1)
      expect((await till.ask("POST", "/events", { body: EVENT })).status).toBe(200);
    const refused = await till.ask("POST", "/events", { body: EVENT });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(refused.body).toMatchObject({ code: "post_rate_exceeded" });
    const patch = { body: '{"on":true}' };
    expect((await till.ask("PATCH", "/state", patch)).body).toMatchObject({
      code: "post_rate_exceeded",
    });
    expect((await gate.ask("POST", "/events", { body: EVENT })).status).toBe(200);
    expect((await till.ask("GET", "/commands")).status).toBe(204);
    await eventually(async () => {
      const { status } = await till.ask("POST", "/events", { body: EVENT });
      return status === 200 || undefined;
    }, "a post once it is slower");
  });

  test("failures_per_address: guessing is stopped, and devices and backends that were there go on", async () => {
    await using fleet = await Fleet.start(target, { limits: ONE_PER_SECOND });
    const till = await fleet.addDevice("till-1");
    const guessing = fleet.device("till-1", "not-its-secret");
    const codes = new Set<unknown>();
    for (let guess = 0; guess < 20; guess += 1) {
      codes.add((await guessing.ask("POST", "/events", { body: EVENT })).body["code"]);
    }
    expect([...codes]).toEqual(["secret_wrong", "credentials_rate_exceeded"]);
    const wrongKey = await fetch(`${fleet.server.url}/v1/devices`, {
      headers: { "x-api-key": "a-guess-at-a-key" },
    });
    expect([wrongKey.status, wrongKey.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await till.ask("POST", "/events", { body: EVENT })).status).toBe(200);
    expect((await fleet.api("GET", "/v1/devices")).status).toBe(200);
    expect(fleet.server.logged("device.refused").length).toBeLessThan(20);
  });

  test("requests_per_key: those above it get 429", async () => {
    const limits = { requests_per_key_per_second: 1, requests_per_key_burst: 2 };
    await using fleet = await Fleet.start(target, { limits });
    const statuses: number[] = [];
    for (let asked = 0; asked < 3; asked += 1)
      statuses.push((await fleet.api("GET", "/v1/devices")).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await fleet.api("GET", "/v1/devices")).body).toMatchObject({
      code: "api_rate_exceeded",
    });
  });

  test("commands_per_user: those above it get error 111 on any client, other users none", async () => {
    const limits = { commands_per_user_per_second: 1, commands_per_user_burst: 3 };
    await using fleet = await Fleet.start(target, { limits });
    using one = await connect(fleet, "u");
    using two = await connect(fleet, "u");
    using other = await connect(fleet, "v");
    const unsubscribe = { unsubscribe: { channel: "device:1" } };
    const codes: unknown[] = [];
    for (const socket of [one, two, one, two])
      codes.push((await socket.command(unsubscribe)).error?.code);
    expect(codes).toEqual([undefined, undefined, undefined, 111]);
    expect((await other.command(unsubscribe)).error).toBeUndefined();
  });
});

async function connect(fleet: Fleet, sub: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${fleet.server.wsUrl}/connection/websocket`, {
    pongs: true,
  });
  await socket.command({ connect: { token: signToken({ sub }) } });
  return socket;
}
