import { certCommand } from "./cert.ts";
import { checkCommand } from "./check.ts";
import type { Command } from "./command.ts";
import { demoDeviceCommand } from "./demo-device.ts";
import { deviceCommand } from "./device.ts";
import { openApiCommand } from "./openapi.ts";
import { sdkCommand } from "./sdk.ts";
import { serveCommand } from "./serve.ts";
import { tokenCommand } from "./token.ts";
import { versionCommand } from "./version.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  checkCommand,
  certCommand,
  deviceCommand,
  demoDeviceCommand,
  tokenCommand,
  openApiCommand,
  sdkCommand,
  versionCommand,
];
