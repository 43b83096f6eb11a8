import type { Platform } from "../platform.ts";
import { createTaskPlatform } from "./task-platform.ts";

/** WeChat. Commands are short and somebody waits for them, so nothing is held back to fill a packet. */
export function wxPlatform(api: object): Platform {
  return createTaskPlatform("wx", api, { tcpNoDelay: true });
}
