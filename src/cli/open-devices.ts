import { createDeviceSecrets } from "../auth/device-secrets.ts";
import { createDevices, type Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";
import { createLog } from "../telemetry/log.ts";
import type { CommandContext } from "./command.ts";
import { isThere } from "./is-there.ts";
import { openStore } from "./open-store.ts";
import { type ConfigArguments, readConfig } from "./read-config.ts";

export interface DevicesUse {
  readonly args: ConfigArguments;
  /** Only who adds a device may make a store: elsewhere a new one would hide a wrong directory. */
  readonly makes: "store" | "nothing";
}

/** Opens the store beside a server that may be running, lends its devices to `use` and closes it. */
export async function withDevices(
  context: CommandContext,
  { args, makes }: DevicesUse,
  use: (devices: Devices) => Promise<void>,
): Promise<void> {
  const { clock, entropy, stderr } = context;
  const { config } = await readConfig(context, args);
  const { location } = config.store;
  const hasStore = location === "memory" || isThere(location.file);
  if (makes === "nothing" && !hasStore) {
    const detail = `there is none at ${location.file}; server.data and the directory of this command decide where`;
    throw new Fault("store_missing", { detail });
  }
  // Says, too, that a store was made: it may be another one than the server has.
  const write = (line: string): void => stderr(`${line}\n`);
  const log = createLog({ level: "warn", format: "text", clock, write });
  await using engine = await openStore(config, { clock, entropy, log });
  await use(
    createDevices({ records: engine, secrets: createDeviceSecrets(entropy), clock, entropy }),
  );
}
