import { openPosthorn } from "./create.ts";
import type { Platform } from "./platform.ts";
import { alipayPlatform } from "./platforms/alipay.ts";
import { douyinPlatform } from "./platforms/douyin.ts";
import { taroPlatform } from "./platforms/taro.ts";
import type { MiniProgramApi } from "./platforms/task-platform.ts";
import { uniPlatform } from "./platforms/uni-app.ts";
import { wxPlatform } from "./platforms/wx.ts";
import type { Posthorn, PosthornOptions } from "./posthorn.d.ts";

/** Globals of the mini-program runtimes; each has its own, and some alias another's. */
declare const my: object | undefined;
declare const tt: object | undefined;
declare const wx: object | undefined;
declare const uni: object | undefined;

const PLATFORMS = {
  wx: wxPlatform,
  alipay: alipayPlatform,
  douyin: douyinPlatform,
  uni: uniPlatform,
  taro: taroPlatform,
} as const;

type Name = keyof typeof PLATFORMS;

/** The entry of `posthorn.miniprogram.js`. */
export function createPosthorn(options: PosthornOptions): Posthorn {
  return openPosthorn(options, platformFor);
}

function platformFor({ platform }: PosthornOptions): Platform {
  const { name, api } =
    typeof platform === "object" ? platform : { name: platform ?? detect(), api: undefined };
  const found = api ?? globalOf(name);
  if (!hasSockets(found) || !(name in PLATFORMS)) {
    throw new TypeError(
      `Cannot find the platform ${name}: there is no connectSocket here; give platform, e.g. { name: "taro", api: Taro }`,
    );
  }
  return PLATFORMS[name as Name](found);
}

function hasSockets(api: object | undefined): api is object {
  return typeof (api as Partial<MiniProgramApi> | undefined)?.connectSocket === "function";
}

function detect(): Name {
  const names: readonly Name[] = ["alipay", "douyin", "wx", "uni"];
  return names.find((name) => globalOf(name) !== undefined) ?? "taro";
}

function globalOf(name: string): object | undefined {
  switch (name) {
    case "alipay":
      return typeof my === "undefined" ? undefined : my;
    case "douyin":
      return typeof tt === "undefined" ? undefined : tt;
    case "wx":
      return typeof wx === "undefined" ? undefined : wx;
    case "uni":
      return typeof uni === "undefined" ? undefined : uni;
    default:
      return undefined;
  }
}
