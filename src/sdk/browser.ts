import { openPosthorn } from "./create.ts";
import { browserPlatform } from "./platforms/browser.ts";
import type { Posthorn, PosthornOptions } from "./posthorn.d.ts";

/** The entry of `posthorn.js`. */
export function createPosthorn(options: PosthornOptions): Posthorn {
  return openPosthorn(options, ({ platform }) =>
    browserPlatform(typeof platform === "object" ? platform.api : undefined),
  );
}
