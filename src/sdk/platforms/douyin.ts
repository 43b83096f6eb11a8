import type { Platform } from "../platform.ts";
import { createTaskPlatform } from "./task-platform.ts";

/** Douyin. No protocols are offered: one that the server does not echo fails the socket. */
export function douyinPlatform(api: object): Platform {
  return createTaskPlatform("douyin", api);
}
