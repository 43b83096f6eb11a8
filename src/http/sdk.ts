import { createHash } from "node:crypto";
import { SDK_FILES } from "../sdk/generated/sdk-files.ts";
import type { App } from "./app-env.ts";

/**
 * `/sdk/…`: the client's files. Any page may take them in: they hold nothing of this server's, and a
 * page of another origin has to be allowed to connect all the same.
 */
export function bindSdk(app: App): void {
  for (const [name, text] of Object.entries(SDK_FILES)) {
    const headers = {
      "content-type": typeOf(name),
      etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`,
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
    };
    app.get(`/sdk/${name}`, (c) =>
      c.req.header("if-none-match") === headers.etag
        ? c.body(null, 304, headers)
        : c.body(text, 200, headers),
    );
  }
}

function typeOf(name: string): string {
  return name.endsWith(".js") ? "text/javascript; charset=utf-8" : "text/plain; charset=utf-8";
}
