import type { Hono } from "hono";
import { consolePage } from "../console/console-page.ts";

/** `/console`: the embedded page. */
export function bindConsole(app: Hono): void {
  app.get("/console", (c) => {
    c.header("content-security-policy", consolePage.contentSecurityPolicy);
    c.header("referrer-policy", "no-referrer");
    c.header("x-content-type-options", "nosniff");
    c.header("cache-control", "no-cache");
    return c.html(consolePage.html);
  });
}
