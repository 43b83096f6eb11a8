import { consolePage } from "../console/console-page.ts";
import type { App } from "./app-env.ts";

/** `/console`: the embedded page. */
export function bindConsole(app: App): void {
  app.get("/console", (c) => {
    c.header("content-security-policy", consolePage.contentSecurityPolicy);
    c.header("referrer-policy", "no-referrer");
    c.header("x-content-type-options", "nosniff");
    c.header("cache-control", "no-cache");
    return c.html(consolePage.html);
  });
}
