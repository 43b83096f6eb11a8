import { readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { startPosthorn } from "../support/posthorn.ts";
import { EXECUTABLE } from "../support/targets.ts";

/**
 * What held polls cost: `bun test/bench/held-polls.ts [polls]`. Each poll is a device of its own with
 * a connection of its own; the server runs in development mode, so that no device has to be added.
 * Prints memory and CPU of the server before, with all polls held for a while, and after.
 */
const POLLS = Number(process.argv[2] ?? 10_000);
const IDLE_SECONDS = 20;
const AT_A_TIME = 200;
const CLOCK_TICKS_PER_SECOND = 100;

await using server = await startPosthorn(EXECUTABLE, { args: ["--dev"] });
const before = usage();
const sockets: Socket[] = [];
for (let from = 0; from < POLLS; from += AT_A_TIME) {
  const some = Array.from({ length: Math.min(AT_A_TIME, POLLS - from) }, (_, at) =>
    hold(from + at),
  );
  sockets.push(...(await Promise.all(some)));
}
await new Promise((resolve) => setTimeout(resolve, 3_000));
const held = usage();
await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
const idle = usage();
const online = await countOnline();
const woken = await wakeSome(100);
for (const socket of sockets) socket.destroy();

console.log(
  JSON.stringify({
    polls: POLLS,
    // Each is a device of its own, which is online for as long as its poll is held.
    online: online,
    rssMbBefore: before.rssMb,
    rssMbHeld: held.rssMb,
    rssMbHeldLonger: idle.rssMb,
    kbPerPoll: round(((idle.rssMb - before.rssMb) * 1024) / POLLS),
    cpuMsPerPollToHold: round((held.cpuMs - before.cpuMs) / POLLS),
    cpuPercentWhileHeld: round((idle.cpuMs - held.cpuMs) / (IDLE_SECONDS * 10)),
    wokenMsP50: woken[Math.floor(woken.length / 2)],
    wokenMsMax: woken.at(-1),
  }),
);

/** Resolves when the request is on its way; the answer comes much later. */
function hold(index: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection(server.port, "127.0.0.1");
  socket.once("error", reject);
  socket.once("connect", () => {
    const path = `/v1/devices/poll-${index}/commands?wait=50`;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dev\r\n\r\n`);
    resolve(socket);
  });
  return promise;
}

/** How many devices are online, as the backend sees it. */
async function countOnline(): Promise<number> {
  let count = 0;
  let next: string | undefined = "";
  while (next !== undefined) {
    const url = `${server.url}/v1/devices?online=true&limit=1000&after=${next}`;
    const answer = await fetch(url, { headers: { "x-api-key": "dev" } });
    const page = (await answer.json()) as { devices: readonly unknown[]; next?: string };
    count += page.devices.length;
    next = page.next;
  }
  return count;
}

/** Sends commands to some of the devices, one after the other; how long each took to arrive. */
async function wakeSome(count: number): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = Math.floor((index * POLLS) / count);
    const arrived = new Promise((resolve) => sockets[at]?.once("data", resolve));
    const startedAt = performance.now();
    await fetch(`${server.url}/v1/devices/poll-${at}/commands`, {
      method: "POST",
      headers: { "x-api-key": "dev", "content-type": "application/json" },
      body: '{"type":"ring"}',
    });
    await arrived;
    tookMs.push(round(performance.now() - startedAt));
  }
  return tookMs.sort((a, b) => a - b);
}

function usage(): { readonly rssMb: number; readonly cpuMs: number } {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  // utime and stime, counted from behind the name, which may hold spaces (proc(5)).
  const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rssMb: round(rssKb / 1024), cpuMs: (ticks * 1000) / CLOCK_TICKS_PER_SECOND };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
