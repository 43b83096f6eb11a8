import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import type { Publication } from "../../../src/core/publication.ts";
import { Audience, type Member } from "../../../src/ws/audience.ts";
import type { Connection } from "../../../src/ws/connection.ts";
import { FakeConnection } from "../../support/fake-connection.ts";
import { FakeSocket } from "../../support/fake-socket.ts";

const CHANNEL = parseChannel("chat:1");
const START = { epoch: "e1", offset: 0 };
const UNKNOWN = { epoch: "", offset: 0 };
const ALARMS = { op: "tag", key: "kind", cmp: { by: "eq", text: "alarm" } } as const;
const LONG = "x".repeat(100);

function publication(offset: number, more: Partial<Publication> = {}): Publication {
  return { data: String(offset), offset, timeMs: 0, ...more };
}

function world() {
  const published: [topic: string, frame: string][] = [];
  const audience = new Audience(CHANNEL, (topic, frame) => published.push([topic, frame]));
  const lost: Member[] = [];
  /** Loses its position as a client does: by leaving. */
  function member(connection: Connection, more: Partial<Member> = {}): Member {
    const made: Member = {
      connection,
      joinLeave: false,
      delta: false,
      onInsufficient() {
        lost.push(made);
        audience.remove(made);
      },
      ...more,
    };
    return made;
  }
  return { audience, published, lost, member };
}

/** On a socket the runtime's topics do the work. */
function onTopics(): { connection: Connection; socket: FakeSocket; sent: FakeConnection } {
  const socket = new FakeSocket();
  const sent = new FakeConnection();
  const connection: Connection = {
    transport: "websocket",
    form: "bidirectional",
    remoteAddress: "192.0.2.1",
    pong: "required",
    tellsPings: true,
    topics: socket,
    send: (frame) => sent.send(frame),
    ping() {},
    close() {},
    queuedBytes: () => 0,
    isSlow: () => false,
  };
  return { connection, socket, sent };
}

function dataOf(frames: readonly string[]): unknown[] {
  return frames.map((frame) => {
    const line = JSON.parse(frame);
    return (line.push ?? line).pub?.data;
  });
}

describe("Audience: who gets what", () => {
  test("hands one frame to the channel's topic, however many sockets listen", () => {
    const { audience, published, member } = world();
    const [one, two] = [onTopics(), onTopics()];
    audience.add(member(one.connection), START);
    audience.add(member(two.connection), START);
    audience.publication(publication(1), "e1");
    expect(published).toEqual([
      ["chat:1", '{"push":{"channel":"chat:1","pub":{"data":1,"offset":1}}}'],
    ]);
    expect([...one.socket.topics]).toEqual(["chat:1"]);
    expect(one.sent.frames).toEqual([]);
  });

  test("sends to each connection without topics, in its own form", () => {
    const { audience, published, member } = world();
    const [beside, bare] = [new FakeConnection(), new FakeConnection("unidirectional")];
    audience.add(member(beside), START);
    audience.add(member(bare), START);
    audience.publication(publication(1), "e1");
    expect(beside.frames).toEqual(['{"push":{"channel":"chat:1","pub":{"data":1,"offset":1}}}']);
    expect(bare.frames).toEqual(['{"channel":"chat:1","pub":{"data":1,"offset":1}}']);
    expect(published).toEqual([]);
  });

  test("stops with the last member", () => {
    const { audience, published, member } = world();
    const { connection, socket } = onTopics();
    const [first, second] = [member(connection), member(new FakeConnection())];
    audience.add(first, START);
    audience.add(second, START);
    audience.remove(first);
    audience.remove(first);
    expect(audience.size).toBe(1);
    audience.remove(second);
    audience.publication(publication(1), "e1");
    expect(audience.size).toBe(0);
    expect(published).toEqual([]);
    expect(socket.topics.size).toBe(0);
  });

  test("sends only what passes a member's tags filter", () => {
    const { audience, member } = world();
    const connection = new FakeConnection();
    audience.add(member(connection, { filter: ALARMS }), START);
    audience.publication(publication(1, { tags: { kind: "note" } }), "e1");
    audience.publication(publication(2, { tags: { kind: "alarm" } }), "e1");
    audience.publication(publication(3), "e1");
    expect(dataOf(connection.frames)).toEqual([2]);
  });

  test("tells of joins and leaves to those alone who ask", () => {
    const { audience, member } = world();
    const [curious, other] = [new FakeConnection(), new FakeConnection()];
    const asking = member(curious, { joinLeave: true });
    audience.add(asking, START);
    audience.add(member(other), START);
    audience.join({ user: "anna", client: "c1" });
    audience.leave({ user: "anna", client: "c1" });
    const info = '{"info":{"user":"anna","client":"c1"}}';
    expect(curious.frames).toEqual([
      `{"push":{"channel":"chat:1","join":${info}}}`,
      `{"push":{"channel":"chat:1","leave":${info}}}`,
    ]);
    expect(other.frames).toEqual([]);
    audience.remove(asking);
    audience.join({ user: "anna", client: "c1" });
    expect(curious.frames).toHaveLength(2);
  });

  test("tells of joins by a topic of their own where there are topics", () => {
    const { audience, published, member } = world();
    const { connection, socket } = onTopics();
    audience.add(member(connection, { joinLeave: true }), START);
    audience.join({ user: "", client: "c1" });
    const [topic] = published[0] ?? [];
    expect([...socket.topics]).toEqual(["chat:1", topic ?? "none"]);
    expect(topic).not.toBe("chat:1");
  });
});

describe("Audience: differences", () => {
  test("sends the first one whole, as text, and then differences", () => {
    const { audience, member } = world();
    const connection = new FakeConnection();
    audience.add(member(connection, { delta: true }), START);
    audience.publication(publication(1, { data: `"${LONG}1"` }), "e1");
    audience.publication(publication(2, { data: `"${LONG}2"` }), "e1");
    const [first, second] = connection.frames.map((frame) => JSON.parse(frame).push.pub);
    expect(first).toEqual({ data: `"${LONG}1"`, offset: 1 });
    expect(second).toMatchObject({ offset: 2, delta: true });
  });

  test("gives a newcomer the first one whole while the others get the difference", () => {
    const { audience, member } = world();
    const [old, young] = [new FakeConnection(), new FakeConnection()];
    audience.add(member(old, { delta: true }), START);
    audience.publication(publication(1, { data: `"${LONG}1"` }), "e1");
    audience.add(member(young, { delta: true }), { epoch: "e1", offset: 1 });
    audience.publication(publication(2, { data: `"${LONG}2"` }), "e1");
    expect(old.frames[1]).toContain('"delta":true');
    expect(dataOf(young.frames)).toEqual([`"${LONG}2"`]);
  });

  test("counts what is not part of the stream into the chain, too", () => {
    const { audience, member } = world();
    const connection = new FakeConnection();
    audience.add(member(connection, { delta: true }), START);
    audience.publication(publication(0, { data: `"${LONG}1"` }), "");
    audience.publication(publication(1, { data: `"${LONG}2"` }), "e1");
    expect(connection.frames[0]).not.toContain('"delta"');
    expect(connection.frames[1]).toContain('"delta":true');
  });

  test("leaves nothing behind of a client that is evicted by its first publication", () => {
    const { audience, published, member } = world();
    const { connection, socket, sent } = onTopics();
    const slow = member(connection, { delta: true });
    audience.add(slow, START);
    sent.onSend = () => audience.remove(slow);
    audience.publication(publication(1), "e1");
    audience.publication(publication(2), "e1");
    expect(socket.topics.size).toBe(0);
    expect(published).toEqual([]);
  });

  test("begins anew with a whole one for those that stay when something was lost", () => {
    const { audience, member } = world();
    const connection = new FakeConnection();
    const { onInsufficient: _, ...careless } = member(connection, { delta: true });
    audience.add(careless, UNKNOWN);
    audience.publication(publication(1, { data: `"${LONG}1"` }), "e1");
    audience.publication(publication(3, { data: `"${LONG}3"` }), "e1");
    expect(dataOf(connection.frames)).toEqual([`"${LONG}1"`, `"${LONG}3"`]);
  });
});

describe("Audience: positions", () => {
  test.each([
    ["a gap", publication(3), "e1"],
    ["another epoch", publication(2), "e2"],
  ])("makes those that watch their position subscribe again after %s", (_, next, epoch) => {
    const { audience, lost, member } = world();
    const connection = new FakeConnection();
    const watching = member(connection);
    audience.add(watching, START);
    audience.publication(publication(1), "e1");
    audience.publication(next, epoch);
    expect(lost).toEqual([watching]);
    expect(dataOf(connection.frames)).toEqual([1]);
  });

  test("goes on for those that do not watch theirs", () => {
    const { audience, lost, member } = world();
    const connection = new FakeConnection();
    const { onInsufficient: _, ...careless } = member(connection);
    audience.add(careless, UNKNOWN);
    audience.add(member(new FakeConnection()), START);
    audience.publication(publication(2), "e1");
    audience.publication(publication(3), "e1");
    expect(lost).toHaveLength(1);
    expect(dataOf(connection.frames)).toEqual([2, 3]);
  });

  test("finds a gap also when the first member knew no position", () => {
    const { audience, lost, member } = world();
    const { onInsufficient: _, ...careless } = member(new FakeConnection());
    audience.add(careless, UNKNOWN);
    const watching = member(new FakeConnection());
    audience.add(watching, { epoch: "e1", offset: 4 });
    audience.publication(publication(6), "e1");
    expect(lost).toEqual([watching]);
  });

  test("drops what everyone has", () => {
    const { audience, lost, member } = world();
    const connection = new FakeConnection();
    audience.add(member(connection), { epoch: "e1", offset: 5 });
    audience.publication(publication(5), "e1");
    audience.publication(publication(6), "e1");
    audience.publication(publication(6), "e1");
    expect(dataOf(connection.frames)).toEqual([6]);
    expect(lost).toEqual([]);
  });

  test("lets what is not part of the stream pass without moving the position", () => {
    const { audience, lost, member } = world();
    const connection = new FakeConnection();
    audience.add(member(connection), START);
    audience.publication(publication(1), "e1");
    audience.publication(publication(0), "");
    audience.publication(publication(2), "e1");
    expect(dataOf(connection.frames)).toEqual([1, 0, 2]);
    audience.publication(publication(4), "e1");
    expect(lost).toHaveLength(1);
  });

  test.each([
    ["has what the others never got", { epoch: "e1", offset: 7 }],
    ["stands in another epoch", { epoch: "e2", offset: 0 }],
  ])("learns from a newcomer that %s", (_, position) => {
    const { audience, lost, member } = world();
    const [old, newcomer] = [member(new FakeConnection()), member(new FakeConnection())];
    audience.add(old, START);
    audience.publication(publication(1), "e1");
    audience.add(newcomer, position);
    expect(lost).toEqual([old]);
    expect(audience.size).toBe(1);
    audience.publication(publication(position.offset + 1), position.epoch);
    expect(lost).toEqual([old]);
  });

  test("learns nothing from a newcomer that knows no position", () => {
    const { audience, lost, member } = world();
    audience.add(member(new FakeConnection()), START);
    audience.publication(publication(1), "e1");
    audience.add(member(new FakeConnection()), UNKNOWN);
    audience.publication(publication(2), "e1");
    expect(lost).toEqual([]);
  });
});
