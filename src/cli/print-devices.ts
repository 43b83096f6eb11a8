import type { Device, DeviceCredentials, Devices } from "../core/devices.ts";
import type { CommandContext } from "./command.ts";

const DEVICES_PER_PAGE = 500;

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
  devices: Devices,
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
async function* everyDevice(devices: Devices): AsyncGenerator<Device> {
  let page = await devices.list({ limit: DEVICES_PER_PAGE });
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield* page;
    page = await devices.list({ after: last.id, limit: DEVICES_PER_PAGE });
  }
}

function jsonOf({ id, name, createdAtMs }: Device): string {
  return JSON.stringify({ id, name, created_at: new Date(createdAtMs).toISOString() });
}

function lineOf({ id, name, createdAtMs }: Device): string {
  const columns = [id.padEnd(36), new Date(createdAtMs).toISOString(), name];
  return `${columns.join("  ").trimEnd()}\n`;
}
