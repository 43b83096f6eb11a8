import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { connect, connected, login, send, settled } from "../../support/gateway-world.ts";
import { serverApiWorld } from "../../support/server-api-world.ts";

const CHAT = parseChannel("chat:1");
const DONE = '{"result":{}}';

type World = ReturnType<typeof serverApiWorld>;
type Options = NonNullable<Parameters<typeof serverApiWorld>[0]>;

/** Two clients of anna and somebody anonymous; `frames` are those since they came. */
async function crowd(options: Options = {}) {
  const it = serverApiWorld(options);
  const anna = await connected(it);
  const other = await connected(it);
  const visitor = connect(it, login());
  await settled();
  const [first = "", second = ""] = it.registry.ofUser("anna").map(({ id }) => id);
  for (const { socket } of [anna, other, visitor]) socket.frames.length = 0;
  return { ...it, anna, other, visitor, ids: { anna: first, other: second } };
}

/** Lets time pass for a client that answers each ping at once. */
async function waitPonging(
  clock: World["clock"],
  { handler, socket }: Awaited<ReturnType<typeof connected>>,
  durationMs: number,
): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1000) {
    const pings = socket.frames.filter((frame) => frame === "{}").length;
    clock.advance(1000);
    if (socket.frames.filter((frame) => frame === "{}").length > pings) handler.message("{}");
    await settled();
  }
}

describe("POST /api/subscribe", () => {
  test("subscribes every client of the user at once, and tells it", async () => {
    const { call, anna, other, visitor, presence } = await crowd();
    const data = '{"b":1.0,"a":2}';
    const request = `{"user":"anna","channel":"chat:1","info":{"n": 1},"data":${data}}`;
    expect(await call("subscribe", request)).toBe(DONE);
    const push = `{"push":{"channel":"chat:1","subscribe":{"data":${data}}}}`;
    expect([anna, other, visitor].map(({ socket }) => socket.frames)).toEqual([[push], [push], []]);
    expect(presence.list(CHAT).map(({ chanInfo }) => chanInfo)).toEqual(['{"n": 1}', '{"n": 1}']);

    await call("publish", { channel: CHAT, data: 1 });
    expect(anna.socket.frames.at(-1)).toBe(
      '{"push":{"channel":"chat:1","pub":{"data":1,"offset":1}}}',
    );
  });

  test("takes null for what is not there", async () => {
    const { call, anna, presence } = await crowd();
    await call("subscribe", { user: "anna", channel: CHAT, info: null, data: null, client: null });
    expect(anna.socket.frames).toEqual(['{"push":{"channel":"chat:1","subscribe":{}}}']);
    expect(presence.list(CHAT)[0]?.chanInfo).toBeUndefined();
  });

  test.each(["client", "user and client"])("subscribes one client, named by %s", async (by) => {
    const { call, anna, other, ids } = await crowd();
    const address = { client: ids.other, ...(by !== "client" && { user: "anna" }) };
    await call("subscribe", { ...address, channel: CHAT });
    expect([anna, other].map(({ socket }) => socket.frames.length)).toEqual([0, 1]);
  });

  test("subscribes the anonymous when it names the user nobody", async () => {
    const { call, anna, visitor } = await crowd();
    await call("subscribe", { user: "", channel: CHAT });
    expect([anna, visitor].map(({ socket }) => socket.frames.length)).toEqual([0, 1]);
  });

  test("subscribes nobody when client, session and user do not go together", async () => {
    const { call, fanout, ids } = await crowd();
    await call("subscribe", { user: "bob", client: ids.anna, channel: CHAT });
    await call("subscribe", { user: "anna", session: "none of them has one", channel: CHAT });
    expect(fanout.members(CHAT)).toBe(0);
  });

  test("does not subscribe who is not let in yet", async () => {
    const it = serverApiWorld();
    const { socket } = connect(it);
    await it.call("subscribe", { user: "", channel: CHAT });
    expect(socket.frames).toEqual([]);
  });

  test("leaves alone who is subscribed already", async () => {
    const { call, anna } = await crowd();
    await call("subscribe", { user: "anna", channel: CHAT });
    await call("subscribe", { user: "anna", channel: CHAT });
    expect(anna.socket.frames).toHaveLength(1);
  });

  test("sends what came since a position behind the push, with the client's own position in it", async () => {
    const { call, anna } = await crowd();
    for (const data of [1, 2, 3]) await call("publish", { channel: CHAT, data });
    await call("subscribe", {
      user: "anna",
      channel: CHAT,
      recover_since: { offset: 1, epoch: "epochone" },
      override: { force_recovery: { value: true } },
    });
    expect(anna.socket.frames).toEqual([
      '{"push":{"channel":"chat:1","subscribe":{"recoverable":true,"epoch":"epochone","offset":1,"positioned":true}}}',
      '{"push":{"channel":"chat:1","pub":{"data":2,"offset":2}}}',
      '{"push":{"channel":"chat:1","pub":{"data":3,"offset":3}}}',
    ]);
  });

  test("begins at the top where the position cannot be recovered", async () => {
    const { call, anna } = await crowd();
    for (const data of [1, 2]) await call("publish", { channel: CHAT, data });
    await call("subscribe", {
      user: "anna",
      channel: CHAT,
      recover_since: { offset: 1, epoch: "another" },
      override: { force_recovery: { value: true } },
    });
    expect(anna.socket.frames).toEqual([
      '{"push":{"channel":"chat:1","subscribe":{"recoverable":true,"epoch":"epochone","offset":2,"positioned":true}}}',
    ]);
  });

  test("lets the request override the namespace", async () => {
    const { call, presence, anna, other, ids } = await crowd();
    await call("subscribe", {
      client: ids.anna,
      channel: CHAT,
      override: { presence: { value: false }, force_push_join_leave: { value: true } },
    });
    expect(presence.list(CHAT)).toEqual([]);
    await call("subscribe", { client: ids.other, channel: CHAT });
    expect(other.socket.frames).toHaveLength(1);
    expect(anna.socket.frames.at(-1)).toContain('"join":');
  });

  test("ends the connection when the subscription is over, some time after", async () => {
    const { call, clock, anna } = await crowd();
    const expire_at = Math.ceil(clock.nowMs() / 1000) + 5;
    await call("subscribe", { user: "anna", channel: CHAT, expire_at });
    await waitPonging(clock, anna, 5_000);
    expect(anna.socket.closed).toBeUndefined();
    await waitPonging(clock, anna, 25_000);
    expect(anna.socket.closed?.code).toBe(3006);
  });

  test("refuses to give a client more channels than it may have, and keeps on with the others", async () => {
    const { call, anna, other, ids } = await crowd();
    for (const channel of ["news:1", "news:2", "news:3"]) {
      await call("subscribe", { client: ids.anna, channel });
    }
    const answer = JSON.parse(await call("subscribe", { user: "anna", channel: CHAT }));
    expect(answer).toEqual({
      error: { code: 107, message: "bad request", detail: "a client may have 3" },
    });
    expect([anna, other].map(({ socket }) => socket.frames.length)).toEqual([3, 1]);
  });
});

describe("POST /api/unsubscribe", () => {
  const PUSH = (channel: string) =>
    `{"push":{"channel":"${channel}","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}`;

  test("ends the subscription, whoever made it", async () => {
    const { call, anna, other, fanout } = await crowd();
    await send(anna.handler, { id: 2, subscribe: { channel: CHAT } });
    await call("subscribe", { user: "anna", channel: CHAT });
    expect(await call("unsubscribe", { user: "anna", channel: CHAT })).toBe(DONE);
    for (const { socket } of [anna, other]) expect(socket.frames.at(-1)).toBe(PUSH(CHAT));
    expect(fanout.members(CHAT)).toBe(0);
    await call("publish", { channel: CHAT, data: 1 });
    expect(anna.socket.frames.at(-1)).toBe(PUSH(CHAT));
  });

  test("ends all of them when it names no channel", async () => {
    const { call, anna, other, ids } = await crowd();
    for (const channel of ["news:1", CHAT]) await call("subscribe", { user: "anna", channel });
    await call("unsubscribe", { user: "anna", client: ids.anna, channel: "" });
    expect(anna.socket.frames.slice(2)).toEqual([PUSH("news:1"), PUSH(CHAT)]);
    expect(other.socket.frames).toHaveLength(2);
  });

  test("says nothing to who is not subscribed", async () => {
    const { call, anna } = await crowd();
    await call("unsubscribe", { user: "anna", channel: CHAT });
    expect(anna.socket.frames).toEqual([]);
  });
});

describe("POST /api/disconnect", () => {
  test("ends every connection of the user for good", async () => {
    const { call, anna, other, visitor } = await crowd();
    expect(await call("disconnect", { user: "anna" })).toBe(DONE);
    const closed = { code: 3503, reason: "force disconnect" };
    expect([anna, other].map(({ socket }) => socket.closed)).toEqual([closed, closed]);
    expect(visitor.socket.closed).toBeUndefined();
  });

  test("gives the code and the reason it is told", async () => {
    const { call, anna } = await crowd();
    const disconnect = { code: 4321, reason: "go away" };
    await call("disconnect", { user: "anna", disconnect });
    expect(anna.socket.closed).toEqual(disconnect);
  });

  test("keeps who is on the white list", async () => {
    const { call, anna, other, ids } = await crowd();
    await call("disconnect", { user: "anna", whitelist: [ids.other, "somebody"] });
    expect([anna, other].map(({ socket }) => socket.closed?.code)).toEqual([3503, undefined]);
  });

  test("ends the connection of a session", async () => {
    const it = await crowd();
    const start = {
      transport: "http_stream",
      frame: '{"id":1,"connect":{"token":"good"}}',
    } as const;
    it.gateway.hold({ peer: { remoteAddress: "192.0.2.9" }, start, onClosing() {} });
    await settled();
    const held = it.registry.ofUser("anna").find(({ connection }) => connection.session);
    await it.call("disconnect", { session: held?.connection.session });
    expect(held?.isClosed).toBe(true);
    expect([it.anna, it.other].map(({ socket }) => socket.closed)).toEqual([undefined, undefined]);
  });

  test("ends one connection", async () => {
    const { call, anna, other, ids } = await crowd();
    await call("disconnect", { client: ids.other });
    expect([anna, other].map(({ socket }) => socket.closed?.code)).toEqual([undefined, 3503]);
  });
});

describe("POST /api/disconnect with the id of a connection", () => {
  test("ends it only when its user is the one named", async () => {
    const { call, anna, ids } = await crowd();
    await call("disconnect", { client: ids.anna, user: "bob" });
    expect(anna.socket.closed).toBeUndefined();
    await call("disconnect", { client: ids.anna, user: "anna" });
    expect(anna.socket.closed?.code).toBe(3503);
  });

  test("does not reach one that was not let in yet", async () => {
    const it = serverApiWorld();
    const stranger = connect(it);
    const anna = await connected(it);
    for (const n of [1, 2, 3, 4]) await it.call("disconnect", { client: `uuid-${n}` });
    expect([stranger, anna].map(({ socket }) => socket.closed?.code)).toEqual([undefined, 3503]);
  });
});

describe("POST /api/refresh", () => {
  test("sets when connections end, and tells them", async () => {
    const { call, clock, anna, other, ids } = await crowd();
    const expire_at = clock.nowMs() / 1000 + 60;
    expect(await call("refresh", { client: ids.anna, expire_at })).toBe(DONE);
    expect(anna.socket.frames).toEqual(['{"push":{"refresh":{"expires":true,"ttl":60}}}']);
    expect(other.socket.frames).toEqual([]);
    await waitPonging(clock, anna, 60_000 + 25_000);
    expect(anna.socket.closed?.code).toBe(3005);
  });

  test("ends connections that have expired", async () => {
    const { call, anna, other } = await crowd();
    await call("refresh", { user: "anna", expired: true });
    const closed = { code: 3005, reason: "connection expired" };
    expect([anna, other].map(({ socket }) => socket.closed)).toEqual([closed, closed]);
  });

  test("ends connections whose end is over already", async () => {
    const { call, anna } = await crowd();
    await call("refresh", { user: "anna", expire_at: 1 });
    expect(anna.socket.closed?.code).toBe(3005);
  });

  test("without an end lets connections live, and changes what is told of them", async () => {
    const { call, anna, presence, registry } = await crowd();
    await call("refresh", '{"user":"anna","info":{"name": "Anna"}}');
    expect(anna.socket.frames).toEqual(['{"push":{"refresh":{}}}']);
    expect(registry.ofUser("anna")[0]?.identity.expiresAtMs).toBeUndefined();
    await call("subscribe", { user: "anna", channel: CHAT });
    expect(presence.list(CHAT)[0]?.connInfo).toBe('{"name": "Anna"}');
  });
});
