import { createDeviceBindings } from "../../src/core/bindings.ts";
import { type Channel, namespaceOf, parseChannel } from "../../src/core/channel.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { Fault } from "../../src/core/faults.ts";
import { createHub } from "../../src/core/hub.ts";
import type { KeyedPace } from "../../src/core/keyed-pace.ts";
import type { Namespace, Namespaces } from "../../src/core/namespaces.ts";
import type { Backend } from "../../src/core/ports/backend.ts";
import type { SocketHandler } from "../../src/core/ports/host.ts";
import type { Metrics } from "../../src/core/ports/metrics.ts";
import type {
  SubscriptionTarget,
  TokenClaims,
  TokenVerifier,
} from "../../src/core/ports/tokens.ts";
import { Presence } from "../../src/core/presence.ts";
import { createPublisher } from "../../src/core/publisher.ts";
import { createSubscriptions } from "../../src/core/subscriptions.ts";
import { UNCOUNTED } from "../../src/core/uncounted.ts";
import { createAdmission } from "../../src/ws/admission.ts";
import type { Client } from "../../src/ws/client.ts";
import { createClientMeter } from "../../src/ws/client-meter.ts";
import { ClientRegistry } from "../../src/ws/client-registry.ts";
import { createGateway, type Gateway } from "../../src/ws/gateway.ts";
import { LiveBindings } from "../../src/ws/live-bindings.ts";
import { LiveFanout } from "../../src/ws/live-fanout.ts";
import type { Greeting } from "../../src/ws/socket-client.ts";
import type { UserLimitRule } from "../../src/ws/user-limit.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeCommands } from "./fake-commands.ts";
import { createFakeEntropy } from "./fake-entropy.ts";
import { FakeHost } from "./fake-host.ts";
import { FakeSocket } from "./fake-socket.ts";
import { KnownDevices } from "./known-devices.ts";
import { MemoryBindings } from "./memory-bindings.ts";
import { MemoryStreams } from "./memory-streams.ts";
import { RecordingLog } from "./recording-log.ts";

export const RETENTION = { sizeMax: 100, ttlMs: 60_000 };
export const DEVICE_42 = parseChannel("device:42");
export const NEWS = parseChannel("news:today");

/** Keeps nothing and allows nothing. */
const CLOSED: Namespace = {
  forceRecovery: false,
  recoveryMode: "stream",
  presence: false,
  joinLeave: false,
  forceJoinLeave: false,
  delta: false,
  allowSubscribe: false,
  allowSubscribeAnonymous: false,
  allowPublish: "none",
  allowPresence: "none",
  allowHistory: "none",
  subscribeCallback: false,
  publishCallback: false,
};

/** Rules of a namespace; what is left out is neither kept nor allowed. */
export function namespaceRules(rules: Partial<Namespace>): Namespace {
  return { ...CLOSED, ...rules };
}

const KEPT = { ...CLOSED, retention: RETENTION, forceRecovery: true };
export const NAMESPACES: Namespaces = new Map([
  ["device", KEPT],
  ["news", { ...CLOSED, allowSubscribe: true }],
  [
    "chat",
    {
      ...CLOSED,
      retention: RETENTION,
      allowSubscribe: true,
      allowPublish: "subscriber",
      allowPresence: "subscriber",
      allowHistory: "subscriber",
      presence: true,
      joinLeave: true,
      delta: true,
    },
  ],
  ["state", { ...KEPT, allowSubscribe: true, recoveryMode: "cache" }],
  ["", CLOSED],
]);
export const LIMITS = {
  channelsPerClient: 3,
  channelMaxChars: 255,
  clientsMax: 10,
  clientsPerUser: 0,
  clientsPerAddress: 0,
  commandsPerSecond: 100,
  commandsBurst: 100,
  frameMaxBytes: 65_536,
  queueMaxBytes: 1000,
  recoveryMaxBytes: 5000,
  greetingTimeoutMs: 10_000,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 8_000,
};

const CLAIMS: TokenClaims = {
  user: "anna",
  channels: [],
  subs: new Map(),
  devices: [parseDeviceId("42")],
};

/** Tokens by what they say: a word for each case. */
const TOKENS: Record<string, () => TokenClaims> = {
  good: () => CLAIMS,
  brief: () => ({ ...CLAIMS, expiresAtMs: Date.UTC(2026, 0, 1) + 60_000 }),
  subscribed: () => ({ ...CLAIMS, channels: [DEVICE_42] }),
  astray: () => ({ ...CLAIMS, channels: [parseChannel("nowhere:1")] }),
  greedy: () => ({
    ...CLAIMS,
    channels: ["news:1", "news:2", "news:3", "news:4"].map(parseChannel),
  }),
  expired: () => {
    throw new Fault("token_expired");
  },
  bob: () => ({ ...CLAIMS, user: "bob", devices: [] }),
  anonymous: () => ({ ...CLAIMS, user: "" }),
  commander: () => ({
    ...CLAIMS,
    commands: new Map([
      [parseDeviceId("42"), ["lamp.*"]],
      [parseDeviceId("unseen"), ["*"]],
    ]),
  }),
  known: () => ({ ...CLAIMS, info: '{"name":"Anna"}', meta: '{"tier":1}' }),
  unreachable: () => {
    throw new Fault("token_keys_unreachable");
  },
};

interface WorldOptions {
  readonly unrestricted?: boolean;
  readonly userChannels?: boolean;
  readonly backend?: Backend;
  /** More namespaces, or other ones; what is left out of one is neither kept nor allowed. */
  readonly namespaces?: Readonly<Record<string, Partial<Namespace>>>;
  readonly limits?: Partial<typeof LIMITS>;
  readonly tokens?: Partial<TokenVerifier>;
  readonly nativePing?: boolean;
  readonly metrics?: Metrics;
  readonly onUserLimit?: UserLimitRule;
  readonly userPace?: Pick<KeyedPace, "take">;
}

export function gatewayWorld(options: WorldOptions = {}) {
  const namespaces = new Map(NAMESPACES);
  for (const [name, rules] of Object.entries(options.namespaces ?? {})) {
    namespaces.set(name, namespaceRules(rules));
  }
  /** Read at each use, so a test may change them. */
  const limits = { ...LIMITS, ...options.limits };
  const clock = new FakeClock();
  const log = new RecordingLog();
  let gateway: Gateway | undefined;
  const metrics = options.metrics ?? UNCOUNTED;
  const meter = createClientMeter({ clock, log, metrics });
  const fanout = new LiveFanout((result) => gateway?.onBackpressure(result), meter);
  const host = new FakeHost();
  fanout.attach(host);
  const hub = createHub(fanout);
  const link = { isUp: true };
  const streams = new MemoryStreams((...delivery) => {
    if (link.isUp) hub.deliver(...delivery);
  });
  const registry = new ClientRegistry<Client>();
  const tokens = {
    async verify(token: string) {
      const claims = TOKENS[token];
      if (claims === undefined) throw new Fault("token_invalid");
      return claims();
    },
    async verifySubscription(token: string, { channel }: SubscriptionTarget) {
      if (token === `${channel} for all`) return {};
      if (token === `${channel} for a minute`) return { expiresAtMs: clock.nowMs() + 60_000 };
      if (token === "late") throw new Fault("token_expired");
      if (token.endsWith(" for all")) throw new Fault("subscription_token_mismatch");
      throw new Fault("token_invalid");
    },
    ...options.tokens,
  };
  const backend = options.backend ?? {};
  const presence = new Presence();
  const owners = new MemoryBindings();
  const bindings = new LiveBindings({ store: owners, registry, log });
  const ownership = createDeviceBindings({ store: owners, fanout: bindings });
  const commands = new FakeCommands(clock);
  const devices = new KnownDevices();
  const made = createGateway({
    clock,
    log,
    meter,
    registry,
    fanout,
    streams,
    presence,
    tokens,
    backend,
    bindings,
    commands,
    devices,
    states: devices,
    sightings: { lastSeen: (device) => device },
    entropy: createFakeEntropy(),
    admission: createAdmission({
      tokens,
      backend,
      unrestricted: options.unrestricted ?? false,
      userChannels: options.userChannels ?? false,
      bindings,
    }),
    namespaces,
    subscriptions: createSubscriptions({ streams, hub, recoveryMaxPublications: 300 }),
    publisher: createPublisher({ streams, clock, namespaces }),
    limits,
    onUserLimit: options.onUserLimit ?? "refuse",
    userPace: options.userPace ?? { take: () => true },
    clientHeaders: ["cookie", "x-more", "x-api"],
    nativePing: options.nativePing ?? true,
    node: "node-1",
    version: "1.2.3",
  });
  gateway = made;
  /** As the server publishes. */
  function publish(channel: Channel, data: string, tags?: Readonly<Record<string, string>>) {
    const retention = namespaces.get(namespaceOf(channel))?.retention;
    const publication = { data, timeMs: 0, ...(tags && { tags }) };
    return streams.append({ channel, publication, ...(retention && { retention }) });
  }
  const parts = { clock, log, fanout, streams, registry, presence, namespaces, limits };
  const ofDevices = { owners, bindings: ownership, commands, devices };
  return { ...parts, ...ofDevices, gateway: made, publish, host, link };
}

export type GatewayWorld = ReturnType<typeof gatewayWorld>;

export function connect(
  it: ReturnType<typeof gatewayWorld>,
  greeting: Greeting = { by: "command" },
) {
  const socket = new FakeSocket();
  it.host.sockets.add(socket);
  const handler = it.gateway.accept(socket, greeting);
  handler.open(socket);
  return { socket, handler };
}

export function login(token = "", wishes: { readonly withStates?: boolean } = {}): Greeting {
  return {
    by: "handshake",
    reply: "reply",
    connect: {
      token,
      visitors: true,
      devices: [],
      withStates: false,
      sinceOf: () => [],
      ...wishes,
    },
  };
}

/** Everything that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

export async function send(handler: SocketHandler, ...commands: object[]): Promise<void> {
  handler.message(commands.map((command) => JSON.stringify(command)).join("\n"));
  await settled();
}

export async function connected(it: ReturnType<typeof gatewayWorld>, token = "good") {
  const client = connect(it);
  await send(client.handler, { id: 1, connect: { token } });
  return client;
}

/** The server's end of a connection; the first one is uuid-1. */
export function clientOf(it: GatewayWorld, id = "uuid-1"): Client {
  const client = it.registry.get(id);
  if (client === undefined) throw new RangeError(`no client ${id}`);
  return client;
}
