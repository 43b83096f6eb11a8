import { createDeviceSecrets } from "../auth/device-secrets.ts";
import { createDevices, type Devices } from "../core/devices.ts";
import { createSqliteEngine } from "../engine/sqlite/engine.ts";
import { createLog } from "../telemetry/log.ts";
import type { CommandContext } from "./command.ts";
import { type ConfigArguments, readConfig } from "./read-config.ts";

/** Opens the store beside a server that may be running, lends its devices to `use` and closes it. */
export async function withDevices(
  context: CommandContext,
  args: ConfigArguments,
  use: (devices: Devices) => Promise<void>,
): Promise<void> {
  const { clock, entropy, stderr } = context;
  const { config } = await readConfig(context, args);
  await using engine = await createSqliteEngine({
    ...config.store,
    deliver: () => {},
    clock,
    entropy,
    log: createLog({ level: "warn", format: "text", clock, write: stderr }),
  });
  await use(
    createDevices({ records: engine, secrets: createDeviceSecrets(entropy), clock, entropy }),
  );
}
