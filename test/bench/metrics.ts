import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CommandId } from "../../src/core/command.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemEntropy } from "../../src/runtime/entropy.ts";
import { BACKEND_KEY } from "../support/backend.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { parsePrometheusText, valueIn } from "../support/prometheus-text.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { EXECUTABLE } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

/**
 * What a scrape costs a large server: `bun test/bench/metrics.ts [clients] [devices]`. As many commands
 * wait as there are devices, and as many events for a webhook that is down. Prints how long a scrape
 * takes, and its processor time.
 */
const CLIENTS = Number(process.argv[2] ?? 10_000);
const DEVICES = Number(process.argv[3] ?? 100_000);
const AT_A_TIME = 200;
const SCRAPES = 50;
const CLOCK_TICKS_PER_SECOND = 100;

await using workspace = await Workspace.make();
await fill(resolve(workspace.path, "data/posthorn.db"));
await using server = await startPosthorn(EXECUTABLE, {
  workspace,
  config: {
    api: { keys: [BACKEND_KEY] },
    limits: { connections_per_address_per_second: 0 },
    webhooks: {
      down: { url: "http://127.0.0.1:9/", secret: `whsec_${"c".repeat(32)}`, events: ["x"] },
    },
  },
});
const token = signToken({ sub: "u", devices: ["d-1"] });
const sockets: FrameSocket[] = [];
for (let from = 0; from < CLIENTS; from += AT_A_TIME) {
  const some = Array.from({ length: Math.min(AT_A_TIME, CLIENTS - from) }, () =>
    FrameSocket.open(`${server.wsUrl}/login?token=${token}`, { pongs: true }),
  );
  sockets.push(...(await Promise.all(some)));
}
await scrape(server);
const took: number[] = [];
const cpuBefore = cpuMs(server.pid);
let bytes = 0;
for (let scrapes = 0; scrapes < SCRAPES; scrapes += 1) {
  const startedMs = performance.now();
  bytes = (await scrape(server)).length;
  took.push(performance.now() - startedMs);
}
const cpu = cpuMs(server.pid) - cpuBefore;
const found = parsePrometheusText(await scrape(server));
const of = (name: string) => valueIn(found, `posthorn_${name}`);
took.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    clients: of("clients"),
    devices: of("devices"),
    commands: of("commands"),
    waiting: of("webhook_waiting"),
    scrapeMsP50: round(took[SCRAPES / 2] ?? 0),
    scrapeMsMax: round(took.at(-1) ?? 0),
    cpuMsPerScrape: round(cpu / SCRAPES),
    bytes,
  }),
);
for (const socket of sockets) socket[Symbol.dispose]();

async function scrape({ url }: Posthorn): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** Writes what an earlier server would have left. */
async function fill(file: string): Promise<void> {
  await using engine = await createSqliteEngine({
    ...{ location: { file }, sync: "normal", clock: systemClock, entropy: systemEntropy },
    ...{ deliver() {}, outboxGrew() {}, log: new RecordingLog() },
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1000 }, endpoints: {} },
  });
  const nowMs = Date.now();
  for (let from = 0; from < DEVICES; from += 1000) {
    const ids = Array.from({ length: Math.min(1000, DEVICES - from) }, (_, at) => `d-${from + at}`);
    await Promise.all(
      ids.map((id) =>
        engine.addDevice({
          ...{ id: parseDeviceId(id), name: "", meta: "{}", secretHash: "h" },
          ...{ enrollment: "closed", createdAtMs: nowMs },
        }),
      ),
    );
    await Promise.all(
      ids.map((id) =>
        engine.addCommand({
          ...{ id: `c-${id}` as CommandId, device: parseDeviceId(id), type: "x", data: "null" },
          ...{ sender: { kind: "backend" }, priority: 0, status: "queued", attempt: 0 },
          ...{ createdAtMs: nowMs, expiresAtMs: nowMs + 24 * 3600 * 1000 },
        }),
      ),
    );
    await engine.add(
      ids.map((id) => ({
        ...{ endpoint: "down", id, type: "x", orderKey: id, body: "{}", createdAtMs: nowMs },
      })),
    );
  }
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND) * 1000;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
