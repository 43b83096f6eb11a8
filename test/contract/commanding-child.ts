import { type CommandRecord, enqueueCommand, parseCommandId } from "../../src/core/command.ts";
import { encodeResult } from "../../src/core/command-result.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import { parseStatePatch } from "../../src/core/device-state.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

// Takes commands through their lives, lets devices come and go and changes their state, without end,
// and prints each step that the engine has taken, until its parent kills it.
const [file = "", run = ""] = process.argv.slice(2);
const clock = new FakeClock();
const nowMs = clock.nowMs();
const endpoints = ["shop"];
const engine = await createSqliteEngine({
  location: { file },
  sync: "full",
  deliver: () => undefined,
  outboxGrew: () => undefined,
  ownEvents: {
    retention: { sizeMax: 1_000_000, ttlMs: Number.MAX_SAFE_INTEGER },
    endpoints: {
      "command.done": endpoints,
      "device.online": endpoints,
      "device.offline": endpoints,
      "device.state": endpoints,
    },
  },
  clock,
  entropy: createFakeEntropy(),
  log: new RecordingLog(),
});

function print(...words: readonly (string | number)[]): void {
  process.stdout.write(`${words.join(" ")}\n`);
}

function printCommand({ id, status, attempt }: CommandRecord): void {
  print("command", id, status, attempt);
}

async function commandOnce(device: DeviceId, name: string): Promise<void> {
  const id = parseCommandId(name);
  const request = { device, type: "lock", data: "1", sender: { kind: "backend" } } as const;
  const command = enqueueCommand(request, { id, nowMs });
  await engine.addCommand(command);
  printCommand(command);
  const lease = { device, receiver: "r", max: 10, leaseMs: 30_000, nowMs };
  for (const leased of await engine.leaseCommands(lease)) printCommand(leased);
  const moves = [
    { kind: "ack", nowMs, resultTimeoutMs: 60_000 },
    { kind: "settle", nowMs, result: encodeResult({ ok: true }) },
  ] as const;
  for (const move of moves) {
    const outcome = await engine.moveCommand(device, id, move);
    if (outcome && "changed" in outcome) printCommand(outcome.changed);
  }
}

async function liveForever(sender: number): Promise<never> {
  const device = parseDeviceId(`d${run}-${sender}`);
  const rest = { name: "", meta: "{}", secretHash: "h", enrollment: "closed" } as const;
  await engine.addDevice({ ...rest, id: device, createdAtMs: nowMs });
  for (let round = 0; ; round++) {
    await commandOnce(device, `c${run}-${sender}-${round}`);
    const online = round % 2 === 0;
    const turn = { device, online, atMs: nowMs, reason: online ? "held" : "silent" } as const;
    const turned = await engine.changePresence(turn);
    print("presence", device, turned?.generation ?? 0);
    const patch = parseStatePatch(`{"round":${round}}`);
    const patched = await engine.patchDeviceState(device, { side: "reported", patch, nowMs });
    if (patched && "changed" in patched) print("state", device, patched.changed.reported.version);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, sender) => liveForever(sender)));
