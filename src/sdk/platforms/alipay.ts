import type { Platform } from "../platform.ts";
import { createTaskPlatform } from "./task-platform.ts";

/** Alipay, which returns a socket task only where more than one is asked for. */
export function alipayPlatform(api: object): Platform {
  return createTaskPlatform("alipay", api, { multiple: true });
}
