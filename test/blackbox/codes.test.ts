import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  DISCONNECT,
  drainingDisconnect,
  ERROR,
  type ProtocolError,
  RPC_ERROR,
  UNSUBSCRIBE,
} from "../../src/protocol/codes.ts";
import { type Closed, FrameSocket } from "../support/frame-socket.ts";
import { eventually, within } from "../support/inbox.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { SdkWorld } from "../support/sdk-world.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken, type TokenClaims } from "../support/tokens.ts";
import { parseLine, type WireLine } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** What outlives its credentials is ended 25 seconds later; what outlives its stream, after a sweep. */
const SLOW_MS = 60_000;

const LIMITS = {
  // So wide that the runtime does not cut off the slow one first, which ends without a code.
  recovery_max_bytes: "256MB",
  greeting_timeout: "1500ms",
  ping_interval: "2s",
  pong_timeout: "1500ms",
  channels_per_client: 5,
  clients_per_user: 2,
  commands_per_second: 1,
  commands_burst: 20,
  queue_max_bytes: "64KB",
};

type Produce<Result> = (world: SdkWorld, target: Target) => Promise<Result>;

/** How a connection comes to each of its ends, and what the client then hears. */
const CLOSES: Record<keyof typeof DISCONNECT, Produce<Closed | undefined>> = {
  internal: (world) => listen(world, { subs: { "nowhere:1": {} } }),
  expired: (world) => listen(world, { token: signToken({ sub: "u", exp: 1_000_000_000 }) }),
  permissionDenied: (world) => listen(world, { subs: { "closed:1": {} } }),
  async subscriptionExpired(world) {
    const user = "overstaying";
    using socket = await connect(world, { sub: user });
    await world.backend.result("subscribe", { user, channel: "chat:1", expire_at: inSeconds(2) });
    return await within(socket.closed, "the end of the subscription", SLOW_MS);
  },
  async slow(world) {
    const { port } = world.server;
    const { socket } = await RawWebsocket.open({ port, path: "/connection/websocket" });
    using reader = socket;
    const token = signToken({ sub: "reader", channels: ["chat:slow"] });
    reader.send(JSON.stringify({ id: 1, connect: { token } }));
    await reader.frames.find(() => true, { what: "the connect reply" });
    reader.pause();
    const isSlow = () => world.server.logged("client.slow").length > 0;
    while (!isSlow()) await world.publish("chat:slow", "x".repeat(60_000));
    reader.resume();
    return await reader.end();
  },
  async insufficientState(world) {
    using socket = await connect(world, { sub: "u2", channels: ["fleeting:1"] });
    await loseStream(world, "fleeting:1");
    return await socket.end();
  },
  async noPong(world) {
    using socket = await connect(world, { sub: "silent" }, { pongs: false });
    return await socket.end();
  },
  async tooManyRequests(world) {
    using socket = await connect(world, { sub: "flood" });
    socket.send(unsubscribes(60));
    return await socket.end();
  },
  async invalidToken(world) {
    using socket = await open(world);
    socket.send('{"id":1,"connect":{"token":"rubbish"}}');
    return await socket.end();
  },
  async badRequest(world) {
    using socket = await open(world);
    socket.send("nonsense");
    return await socket.end();
  },
  async stale(world) {
    using socket = await open(world);
    return await socket.end();
  },
  async force(world) {
    using socket = await connect(world, { sub: "forced" });
    await world.backend.result("disconnect", { user: "forced" });
    return await socket.end();
  },
  async connectionLimit(world) {
    using first = await connect(world, { sub: "many" });
    using second = await connect(world, { sub: "many" });
    using third = await open(world);
    third.send(JSON.stringify({ id: 1, connect: { token: signToken({ sub: "many" }) } }));
    const closed = await third.end();
    for (const socket of [first, second]) await socket.command({ rpc: { method: "empty" } });
    return closed;
  },
  async channelLimit(world) {
    const channels = [1, 2, 3, 4, 5, 6].map((n) => `chat:${n}`);
    using socket = await open(world);
    socket.send(JSON.stringify({ id: 1, connect: { token: signToken({ sub: "u", channels }) } }));
    return await socket.end();
  },
  async binaryFrame(world) {
    using socket = await open(world);
    socket.send(new Uint8Array([0]));
    return await socket.end();
  },
  async notAvailable(world) {
    using socket = await connect(world, { sub: "sender" });
    socket.send('{"send":{"data":1}}');
    return await socket.end();
  },
  async ticketInvalid({ server }) {
    using socket = await FrameSocket.open(`${server.wsUrl}/login?ticket=pht_unknown`);
    return await socket.end();
  },
  async replaced(_, target) {
    const limits = { clients_per_user: 1, on_user_limit: "replace" };
    await using world = await SdkWorld.start(target, { limits });
    using oldest = await connect(world, { sub: "u" });
    using _newest = await connect(world, { sub: "u" });
    return await oldest.end();
  },
};

/** How a subscription comes to each of its ends while the connection goes on. */
const UNSUBSCRIBES: Record<keyof typeof UNSUBSCRIBE, Produce<Closed | undefined>> = {
  async server(world) {
    using socket = await connect(world, { sub: "taken" });
    await socket.command({ subscribe: { channel: "chat:taken" } });
    await world.backend.result("unsubscribe", { user: "taken", channel: "chat:taken" });
    return await unsubscribed(socket);
  },
  async insufficientState(world) {
    using socket = await connect(world, { sub: "u3" });
    await socket.command({ subscribe: { channel: "fleeting:2" } });
    await loseStream(world, "fleeting:2");
    return await unsubscribed(socket);
  },
  async expired(world) {
    using socket = await connect(world, { sub: "u4" });
    const channel = "closed:2";
    // It counts five seconds longer than it says, for clocks that differ.
    const token = signToken({ sub: "u4", channel, exp: inSeconds(-2) });
    await socket.command({ subscribe: { channel, token } });
    return await unsubscribed(socket);
  },
};

/** What answers each error; the commands follow a connect. */
const ERRORS: Record<keyof typeof ERROR, Produce<ProtocolError | undefined>> = {
  internal: (world) => errorOf(world, { rpc: { method: "broken" } }),
  unknownChannel: (world) => errorOf(world, { subscribe: { channel: "nowhere:1" } }),
  permissionDenied: (world) => errorOf(world, { subscribe: { channel: "closed:1" } }),
  methodNotFound: (world) => errorOf(world, { rpc: { method: "device.fly" } }),
  alreadySubscribed: (world) =>
    errorOf(world, ...["chat:1", "chat:1"].map((channel) => ({ subscribe: { channel } }))),
  limitExceeded: (world) =>
    errorOf(world, ...[1, 2, 3, 4, 5, 6].map((n) => ({ subscribe: { channel: `chat:${n}` } }))),
  badRequest: (world) => errorOf(world, { subscribe: { channel: "chat:two words" } }),
  notAvailable: (world) => errorOf(world, { presence: { channel: "plain:1" } }),
  async tokenExpired(world) {
    using socket = await open(world);
    const token = signToken({ sub: "u", exp: 1_000_000_000 });
    return (await socket.command({ connect: { token } })).error;
  },
  expired: (world) => errorOf(world, { subscribe: { channel: "asked:over" } }),
  async tooManyRequests(world) {
    using socket = await connect(world, { sub: "hurried" });
    socket.send(unsubscribes(30));
    return (await socket.reply(130)).error;
  },
  unrecoverablePosition: (world) =>
    errorOf(world, {
      subscribe: { channel: "chat:1", recover: true, epoch: "elsewhen", offset: 3, flag: 2 },
    }),
};

/** What answers each error of Posthorn's own methods. */
const RPC_ERRORS: Record<keyof typeof RPC_ERROR, Produce<ProtocolError | undefined>> = {
  async notFound(world) {
    using socket = await connect(world, { sub: "owner", devices: ["unmade"] });
    const rpc = { method: "device.get", data: { device: "unmade" } };
    return (await socket.command({ rpc })).error;
  },
  async conflict(world) {
    await world.backend.post("/v1/devices", '{"id":"door"}');
    using socket = await connect(world, { sub: "commander", commands: { door: ["open"] } });
    const command = { device: "door", type: "open", key: "once" };
    const send = (data: unknown) =>
      socket.command({ rpc: { method: "command.send", data: { ...command, data } } });
    expect((await send(1)).error).toBeUndefined();
    return (await send(2)).error;
  },
};

/** Everything that takes its time does so at once. */
class Stage {
  readonly closes = new Map<string, Promise<Closed | undefined>>();
  readonly unsubscribes = new Map<string, Promise<Closed | undefined>>();
  readonly errors = new Map<string, Promise<ProtocolError | undefined>>();
  readonly rpcErrors = new Map<string, Promise<ProtocolError | undefined>>();
  readonly world: SdkWorld;

  private constructor(world: SdkWorld, target: Target) {
    this.world = world;
    begin(this.closes, CLOSES, [world, target]);
    begin(this.unsubscribes, UNSUBSCRIBES, [world, target]);
    begin(this.errors, ERRORS, [world, target]);
    begin(this.rpcErrors, RPC_ERRORS, [world, target]);
  }

  static async start(target: Target): Promise<Stage> {
    return new Stage(await SdkWorld.start(target, { limits: LIMITS }), target);
  }
}

function begin<Result>(
  results: Map<string, Promise<Result>>,
  producers: Readonly<Record<string, Produce<Result>>>,
  parts: Parameters<Produce<Result>>,
): void {
  for (const [name, produce] of Object.entries(producers)) {
    const result = produce(...parts);
    result.catch(() => undefined); // told to the test that awaits it
    results.set(name, result);
  }
}

const stages = new Map<Target["name"], Stage>();

beforeAll(async () => {
  for (const target of TARGETS) stages.set(target.name, await Stage.start(target));
});

afterAll(async () => {
  for (const { world } of stages.values()) await world[Symbol.asyncDispose]();
});

test("the codes are those that the SDKs know, and nobody changes one", () => {
  const codesIn = (table: Readonly<Record<string, { readonly code: number }>>) =>
    Object.values(table).map(({ code }) => code);
  expect(new Set(codesIn(DISCONNECT))).toEqual(
    new Set([
      ...[3004, 3005, 3006, 3008, 3010, 3012, 3013],
      ...[3500, 3501, 3502, 3503, 3504, 3505, 3506, 3507, 3508],
      ...[4001, 4500],
    ]),
  );
  expect(drainingDisconnect(0).code).toBe(4002);
  expect(codesIn(UNSUBSCRIBE)).toEqual([2000, 2500, 2501]);
  expect(codesIn(ERROR)).toEqual([100, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112]);
  expect(codesIn(RPC_ERROR)).toEqual([404, 409]);
});

describe.each(TARGETS)("every code of the client protocol on $name:", (target) => {
  const stage = () => stages.get(target.name);

  test.each(Object.entries(DISCONNECT))("a connection ends: %s", async (name, disconnect) => {
    expect(await stage()?.closes.get(name)).toEqual({ ...disconnect });
  });

  test("a connection ends: draining", async () => {
    await using world = await SdkWorld.start(target, { limits: { drain_spread: "100ms" } });
    using socket = await connect(world, { sub: "u" });
    world.server.terminate();
    const { code, reason } = await socket.end();
    expect(code).toBe(drainingDisconnect(0).code);
    expect(JSON.parse(reason)).toEqual({
      reason: "draining",
      reconnect: true,
      retry_after_ms: expect.any(Number),
    });
  });

  test.each(Object.entries(UNSUBSCRIBE))("a subscription ends: %s", async (name, why) => {
    expect(await stage()?.unsubscribes.get(name)).toEqual({ ...why });
  });

  test.each(Object.entries(ERROR))("a command is refused: %s", async (name, error) => {
    expect(await stage()?.errors.get(name)).toEqual({ ...error });
  });

  test.each(Object.entries(RPC_ERROR))(
    "a method of ours is refused: %s",
    async (name, { code }) => {
      // The message says in full words what was found, so it is not the table's.
      const message = expect.stringMatching(/^Cannot \w+ \w+: .*"(?:unmade|once)"/);
      expect(await stage()?.rpcErrors.get(name)).toEqual({ code, message });
    },
  );
});

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function open({ server }: SdkWorld, options = { pongs: true }): Promise<FrameSocket> {
  return FrameSocket.open(`${server.wsUrl}/connection/websocket`, options);
}

async function connect(
  world: SdkWorld,
  claims: TokenClaims,
  options = { pongs: true },
): Promise<FrameSocket> {
  const socket = await open(world, options);
  const { connect } = await socket.command({ connect: { token: signToken(claims) } });
  if (connect === undefined) throw new Error("Cannot connect");
  return socket;
}

/** How a client ends that only wants to listen, and whose connect can get no reply. */
async function listen({ server }: SdkWorld, request: object): Promise<Closed> {
  using socket = await FrameSocket.open(`${server.wsUrl}/connection/uni_websocket`);
  socket.send(JSON.stringify({ token: signToken({ sub: "listener" }), ...request }));
  return await socket.end();
}

let users = 0;

/** What the last of these commands is answered with. */
async function errorOf(
  world: SdkWorld,
  ...commands: readonly Readonly<Record<string, unknown>>[]
): Promise<ProtocolError | undefined> {
  users += 1;
  using socket = await connect(world, { sub: `asker${users}` });
  const replies: WireLine[] = [];
  for (const command of commands) replies.push(await socket.command(command));
  expect(replies.slice(0, -1).map(({ error }) => error)).toEqual(
    replies.slice(1).map(() => undefined),
  );
  return replies.at(-1)?.error;
}

function unsubscribes(count: number): string {
  const command = (_: unknown, n: number) =>
    JSON.stringify({ id: 101 + n, unsubscribe: { channel: "chat:1" } });
  return Array.from({ length: count }, command).join("\n");
}

async function unsubscribed(socket: FrameSocket): Promise<Closed | undefined> {
  const isEnd = (line: string) => parseLine(line).push?.unsubscribe !== undefined;
  const found = await socket.lines.find(isEnd, { what: "the end", deadlineMs: SLOW_MS });
  return parseLine(found).push?.unsubscribe;
}

/** Publishes, waits until the store has forgotten the channel, and publishes again. */
async function loseStream(world: SdkWorld, channel: string): Promise<void> {
  const epoch = async () =>
    (await world.backend.result<{ epoch: string }>("history", { channel })).epoch;
  await world.publish(channel, 1);
  const before = await epoch();
  const isForgotten = async () => (await epoch()) !== before || undefined;
  await eventually(isForgotten, `the end of the stream ${channel}`, SLOW_MS);
  await world.publish(channel, 2);
}
