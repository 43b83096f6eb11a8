import type { Platform } from "../platform.ts";
import { createTaskPlatform } from "./task-platform.ts";

/** Taro, which promises its task, so that the opening can be over before anyone listens for it. */
export function taroPlatform(api: object): Platform {
  return createTaskPlatform("taro", api, { multiple: true });
}
