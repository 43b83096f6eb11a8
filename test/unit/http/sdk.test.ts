import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindSdk } from "../../../src/http/sdk.ts";
import { SDK_FILES } from "../../../src/sdk/generated/sdk-files.ts";

function world() {
  const app = new Hono<{ Bindings: Caller }>();
  bindSdk(app);
  return app;
}

describe("/sdk/", () => {
  test.each(["posthorn.js", "posthorn.miniprogram.js"])(
    "%s is a script that any page may take in",
    async (name) => {
      const answer = await world().request(`/sdk/${name}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(await answer.text()).toBe(SDK_FILES[name] ?? "");
    },
  );

  test("a copy that is still right is not sent again", async () => {
    const app = world();
    const etag = (await app.request("/sdk/posthorn.js")).headers.get("etag") ?? "";
    const headers = { "if-none-match": etag };
    const again = await app.request("/sdk/posthorn.js", { headers });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const other = await app.request("/sdk/posthorn.miniprogram.js", { headers });
    expect(other.status).toBe(200);
  });

  test("nothing else is there", async () => {
    expect((await world().request("/sdk/../package.json")).status).toBe(404);
  });
});
