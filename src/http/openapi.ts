import { createHash } from "node:crypto";
import type { App } from "./app-env.ts";

/** Where the document comes from. */
export interface OpenApiServices {
  /** JSON text. Asked for once, by whoever is the first to want it. */
  readonly describeApi: () => Promise<string>;
}

/** `/openapi.json`: what can be asked here and how. There is nothing secret in it, so any page may read it. */
export function bindOpenApi(app: App, { describeApi }: OpenApiServices): void {
  let made: Promise<{ readonly text: string; readonly etag: string }> | undefined;
  app.get("/openapi.json", async (c) => {
    made ??= describeApi().then((text) => ({ text, etag: etagOf(text) }));
    const { text, etag } = await made;
    const headers = { etag, "cache-control": "no-cache", "access-control-allow-origin": "*" };
    if (c.req.header("if-none-match")?.includes(etag)) return c.body(null, 304, headers);
    return c.body(text, 200, { ...headers, "content-type": "application/json" });
  });
}

function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url")}"`;
}
