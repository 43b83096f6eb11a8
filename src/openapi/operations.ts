import { BACKEND_OPERATIONS } from "./backend.ts";
import { COMMAND_OPERATIONS } from "./commands.ts";
import { DEVICE_OPERATIONS } from "./devices.ts";
import { MINI_PROGRAM_OPERATIONS } from "./mini-program.ts";
import { OPERATING_OPERATIONS } from "./operating.ts";
import type { Operation } from "./operation.ts";
import { SERVER_API_OPERATIONS } from "./server-api.ts";

/** Every route, in the order of the document. A test compares them with those of the router. */
export const OPERATIONS: readonly Operation[] = [
  ...DEVICE_OPERATIONS,
  ...COMMAND_OPERATIONS,
  ...BACKEND_OPERATIONS,
  ...MINI_PROGRAM_OPERATIONS,
  ...SERVER_API_OPERATIONS,
  ...OPERATING_OPERATIONS,
];
