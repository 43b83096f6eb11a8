import { Hono } from "hono";
import { createApiKeys, DEV_API_KEY } from "../../src/auth/api-keys.ts";
import { createDevDevices } from "../../src/auth/dev-devices.ts";
import { createDeviceSecrets } from "../../src/auth/device-secrets.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { createDeviceSightings } from "../../src/core/device-sightings.ts";
import { createStates } from "../../src/core/device-states.ts";
import { createDevices } from "../../src/core/devices.ts";
import type { Caller } from "../../src/http/app-env.ts";
import { bindBackendDevices } from "../../src/http/backend-devices.ts";
import { bindDevicePush } from "../../src/http/device-push.ts";
import { bindDeviceState } from "../../src/http/device-state.ts";
import { bindEnroll } from "../../src/http/enroll.ts";
import { toProblem } from "../../src/http/problem.ts";
import { systemEntropy } from "../../src/runtime/entropy.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryRegistry } from "./memory-registry.ts";
import { openPaces } from "./open-paces.ts";
import { RecordingLog } from "./recording-log.ts";

export const API_KEY = "backend-key-0123456789";
export const FLEET_KEY = "fleet-key-0123456789";
export const REMOTE_ADDRESS = "192.0.2.7";

interface WorldOptions {
  readonly dev?: boolean;
  readonly fleetKeys?: readonly string[];
  readonly certificateRequired?: boolean;
}

interface Ask {
  readonly headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly from?: string;
  readonly isCertified?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it as it likes
  readonly json: any;
}

/** The routes of the registry, of enrollment, of states and of push targets, over a store in memory. */
export function registryWorld(options: WorldOptions = {}) {
  const { dev = false, fleetKeys = [FLEET_KEY], certificateRequired = false } = options;
  const clock = new FakeClock();
  const log = new RecordingLog();
  const records = new MemoryRegistry();
  /** What the other parts of a server were told. */
  const told: string[] = [];
  const tell = (what: string) => (device: string) => void told.push(`${what} ${device}`);
  const secrets = createDeviceSecrets(systemEntropy);
  const devices = createDevices({ records, secrets, clock, entropy: systemEntropy });
  const services = {
    clock,
    log,
    devices: dev ? createDevDevices(devices) : devices,
    sightings: createDeviceSightings({ records, clock, log }),
    presence: { posted: tell("posted"), forget: tell("forgot") },
    states: createStates({ records, clock, desiredChanged: tell("desired") }),
    receivers: { dismiss: tell("dismissed") },
    deviceRemoved: tell("removed"),
    queueGrew: tell("grew"),
    pushProviders: { current: ["jpush", "own"] },
    apiKeys: createApiKeys([API_KEY]),
    paces: openPaces(),
    ...(dev && { localKeys: createApiKeys([DEV_API_KEY]) }),
    fleetKeys: { current: fleetKeys.length > 0 ? createApiKeys(fleetKeys) : undefined },
    limits: { bodyMaxBytes: 100_000, bodyTimeoutMs: 1000 },
    certificateRequired,
  };
  const app = new Hono<{ Bindings: Caller }>();
  bindBackendDevices(app, services);
  bindEnroll(app, services);
  bindDeviceState(app, services);
  bindDevicePush(app, services);
  app.onError((error) => toProblem(error, clock, log));

  /** Asks anything as anybody: `request` is a method and a path. */
  async function ask(
    request: string,
    { headers = {}, body, from, isCertified }: Ask = {},
  ): Promise<Answered> {
    const [method = "GET", path = "/"] = request.split(" ");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const caller = {
      remoteAddress: from ?? REMOTE_ADDRESS,
      ...(isCertified !== undefined && { isCertified }),
      holdOpen: () => () => {},
      upgrade: () => false,
    };
    const init = { method, headers, ...(text !== undefined && { body: text }) };
    const answer = await app.request(path, init, caller);
    const answered = await answer.text();
    const json = answered === "" ? undefined : JSON.parse(answered);
    return { status: answer.status, headers: answer.headers, text: answered, json };
  }

  /** Asks as the backend. */
  function asBackend(request: string, body?: unknown, headers: Record<string, string> = {}) {
    return ask(request, { headers: { "x-api-key": API_KEY, ...headers }, body });
  }

  /** Adds a device and asks as it. */
  async function addDevice(id: string) {
    const { secret } = await devices.add({ id: parseDeviceId(id) });
    const asDevice = (request: string, body?: unknown, headers: Record<string, string> = {}) =>
      ask(request, { headers: { authorization: `Bearer ${secret}`, ...headers }, body });
    return { secret, asDevice };
  }

  return { ...services, records, told, ask, asBackend, addDevice };
}
