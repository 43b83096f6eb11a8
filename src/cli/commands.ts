import { backupCommand } from "./backup.ts";
import { certCommand } from "./cert.ts";
import { checkCommand } from "./check.ts";
import type { Command } from "./command.ts";
import { demoDeviceCommand } from "./demo-device.ts";
import { deviceCommand } from "./device.ts";
import { doctorCommand } from "./doctor.ts";
import { installCommand } from "./install.ts";
import { openApiCommand } from "./openapi.ts";
import { proxyCommand } from "./proxy.ts";
import { restoreCommand } from "./restore.ts";
import { sdkCommand } from "./sdk.ts";
import { serveCommand } from "./serve.ts";
import { statusCommand } from "./status.ts";
import { tokenCommand } from "./token.ts";
import { versionCommand } from "./version.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  checkCommand,
  doctorCommand,
  certCommand,
  proxyCommand,
  deviceCommand,
  demoDeviceCommand,
  tokenCommand,
  installCommand,
  statusCommand,
  backupCommand,
  restoreCommand,
  openApiCommand,
  sdkCommand,
  versionCommand,
];
