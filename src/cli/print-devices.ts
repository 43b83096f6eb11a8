import type { Device, DeviceCredentials, Devices } from "../core/devices.ts";
import type { CommandContext } from "./command.ts";

const DEVICES_PER_PAGE = 500;
/** Of a time as ISO 8601 writes it. */
const SEEN_WIDTH = 24;

/** Prints a secret. It is kept nowhere, so this is the only time it can be seen. */
export function printCredentials(
  { id, secret }: DeviceCredentials,
  json: boolean,
  { stdout, stderr }: CommandContext,
): void {
  if (json) {
    stdout(`${JSON.stringify({ id, secret })}\n`);
    return;
  }
  stdout(`id      ${id}\nsecret  ${secret}\n`);
  stderr("Keep the secret: it cannot be shown again\n");
}

/** Prints every device, one per line. */
export async function printDevices(
  devices: Pick<Devices, "list">,
  json: boolean,
  { stdout, stderr }: CommandContext,
): Promise<void> {
  let count = 0;
  if (json) stdout("[");
  for await (const device of everyDevice(devices)) {
    stdout(json ? `${count > 0 ? "," : ""}\n${jsonOf(device)}` : lineOf(device));
    count += 1;
  }
  if (json) stdout("\n]\n");
  else if (count === 0) stderr("There are no devices yet. Add one: posthorn device add\n");
}

/** A page at a time: a large fleet is never held at once. */
async function* everyDevice(devices: Pick<Devices, "list">): AsyncGenerator<Device> {
  let page = await devices.list({ limit: DEVICES_PER_PAGE });
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield* page;
    page = await devices.list({ after: last.id, limit: DEVICES_PER_PAGE });
  }
}

function jsonOf({ id, name, meta, enrollment, online, ...times }: Device): string {
  const rest = JSON.stringify({
    enrollment,
    online,
    last_seen_at: seenAt(times),
    created_at: isoOf(times.createdAtMs),
  });
  return `{"id":"${id}","name":${JSON.stringify(name)},"meta":${meta},${rest.slice(1)}`;
}

function lineOf({ id, name, online, ...times }: Device): string {
  const presence = (online ? "online" : "offline").padEnd(7);
  const seen = (seenAt(times) ?? "never seen").padEnd(SEEN_WIDTH);
  return `${[id.padEnd(36), presence, seen, name].join("  ").trimEnd()}\n`;
}

function seenAt({ sighting }: Pick<Device, "sighting">): string | undefined {
  return sighting && isoOf(sighting.seenAtMs);
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
