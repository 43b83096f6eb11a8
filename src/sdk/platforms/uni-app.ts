import type { Platform } from "../platform.ts";
import { createTaskPlatform } from "./task-platform.ts";

/** uni-app. It hands `multiple` on to Alipay and ignores it elsewhere. */
export function uniPlatform(api: object): Platform {
  return createTaskPlatform("uni", api, { multiple: true });
}
