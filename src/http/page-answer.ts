import type { Context } from "hono";
import type { EmbeddedPage } from "../console/embedded-page.ts";

/** Answers one of our pages, which runs nothing that is not its own. */
export function pageAnswer(c: Context, page: EmbeddedPage): Response | Promise<Response> {
  c.header("content-security-policy", page.contentSecurityPolicy);
  c.header("referrer-policy", "no-referrer");
  c.header("x-content-type-options", "nosniff");
  c.header("cache-control", "no-cache");
  return c.html(page.html);
}
