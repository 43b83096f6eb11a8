import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceChannel } from "../../src/core/channel.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import type { Engine } from "../../src/core/ports/engine.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

const STEPS = ["queued 0", "leased 1", "acked 1", "done 1"];
const STEP_BY_EVENT: Readonly<Record<string, string>> = {
  "command.queued": "queued",
  "command.sent": "leased",
  "command.acked": "acked",
  "command.done": "done",
};
/** What the child's webhook wants. */
const WANTED = ["command.done", "device.online", "device.offline", "device.state"];
const everything = { limit: 1_000_000, ttlMs: Number.MAX_SAFE_INTEGER };
const devices = Array.from({ length: 16 }, (_, index) =>
  parseDeviceId(`d${index >> 3}-${index & 7}`),
);

interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly offset: number;
  readonly data: Readonly<Record<string, unknown>>;
}

let place: string;
let file: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "posthorn-command-durability-"));
  file = join(place, "posthorn.db");
});
afterEach(() => rm(place, { recursive: true }));

/** Runs a child that changes everything, kills it after some steps; the steps it saw acknowledged, by what took them. */
async function changeUntilKilled(run: number, steps: number): Promise<Map<string, string[]>> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "commanding-child.ts"), file, `${run}`],
    { stdout: "pipe", stderr: "inherit" },
  );
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split("\n").length > steps) child.kill("SIGKILL");
  }
  expect(await child.exited).not.toBe(0);
  const acknowledged = new Map<string, string[]>();
  for (const line of text.split("\n").slice(0, -1)) {
    const [kind, id, ...step] = line.split(" ");
    const name = `${kind} ${id}`;
    acknowledged.set(name, [...(acknowledged.get(name) ?? []), step.join(" ")]);
  }
  return acknowledged;
}

function reopen(): Promise<Engine> {
  return createSqliteEngine({
    location: { file },
    sync: "full",
    deliver: () => undefined,
    outboxGrew: () => undefined,
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
    clock: new FakeClock(),
    entropy: createFakeEntropy(),
    log: new RecordingLog(),
  });
}

async function toldOf(engine: Engine, device: DeviceId) {
  const { top, publications } = await engine.history(deviceChannel(device), everything);
  const events = publications.map(
    ({ data, offset }): ToldEvent => ({ ...JSON.parse(data), offset }),
  );
  return { epoch: top.epoch, events };
}

/** Which step of which command, which transition or which version of a state it tells of. */
function stepOf(device: DeviceId, { type, data }: ToldEvent): readonly [string, string] {
  const { command, attempt, generation, reported_version: version } = data;
  if (type === "device.state") return [`state ${device}`, String(version)];
  if (generation !== undefined) return [`presence ${device}`, String(generation)];
  return [`command ${command}`, `${STEP_BY_EVENT[type]} ${attempt}`];
}

function stepsIn(device: DeviceId, events: readonly ToldEvent[]): Map<string, readonly string[]> {
  const steps = new Map<string, readonly string[]>();
  for (const event of events) {
    const [name, step] = stepOf(device, event);
    steps.set(name, [...(steps.get(name) ?? []), step]);
  }
  return steps;
}

/** What is stored says of each how far it is, and so which steps have been taken. */
async function takenOf(engine: Engine, device: DeviceId): Promise<Map<string, readonly string[]>> {
  const commands = (await engine.commands({ device, limit: 10_000 })) ?? [];
  const taken = new Map<string, readonly string[]>(
    commands.map(({ id, status, attempt }) => [
      `command ${id}`,
      STEPS.slice(0, STEPS.indexOf(`${status} ${attempt}`) + 1),
    ]),
  );
  const { generation = 0 } = (await engine.device(device)) ?? {};
  const { version } = (await engine.deviceState(device)).reported;
  for (const [kind, count] of [
    ["presence", generation],
    ["state", version],
  ] as const) {
    const steps = Array.from({ length: count }, (_, index) => String(index + 1));
    if (count > 0) taken.set(`${kind} ${device}`, steps);
  }
  return taken;
}

async function outboxIds(engine: Engine): Promise<readonly string[]> {
  const ids: string[] = [];
  const query = { endpoint: "shop", nowMs: Number.MAX_SAFE_INTEGER - 1, max: 1_000, leaseMs: 1 };
  while (true) {
    const { rows } = await engine.take(query);
    if (rows.length === 0) return ids.toSorted();
    ids.push(...rows.map(({ id }) => id));
    await Promise.all(rows.map((row) => engine.done(row)));
  }
}

test("a killed process loses no step, takes none twice, and each is told of once, to the backend too", async () => {
  const acknowledged = new Map<string, string[]>();
  for (const [run, steps] of [150, 1_200].entries()) {
    for (const [name, seen] of await changeUntilKilled(run, steps)) acknowledged.set(name, seen);
  }
  expect(acknowledged.size).toBeGreaterThan(200);

  await using engine = await reopen();
  const told = new Map<string, readonly string[]>();
  const wanted: string[] = [];
  for (const device of devices) {
    const { epoch, events } = await toldOf(engine, device);
    const steps = stepsIn(device, events);
    // What is stored took the steps that were told of, each once and in order.
    expect(steps).toEqual(await takenOf(engine, device));
    for (const [name, taken] of steps) told.set(name, taken);
    const wantedHere = events.filter(({ type }) => WANTED.includes(type));
    wanted.push(...wantedHere.map(({ id, offset }) => `${device}:${id}:${epoch}:${offset}`));
  }
  for (const [name, steps] of acknowledged) {
    expect({ name, steps: told.get(name)?.slice(0, steps.length) }).toEqual({ name, steps });
  }
  expect(wanted.length).toBeGreaterThan(300);
  expect(await outboxIds(engine)).toEqual(wanted.toSorted());
}, 30_000);
