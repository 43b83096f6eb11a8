import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindOpenApi } from "../../../src/http/openapi.ts";

const TEXT = '{"openapi":"3.1.0"}';

function world() {
  const app = new Hono<{ Bindings: Caller }>();
  let made = 0;
  bindOpenApi(app, {
    async describeApi() {
      made += 1;
      return TEXT;
    },
  });
  const ask = (headers: Record<string, string> = {}) => app.request("/openapi.json", { headers });
  return { ask, made: () => made };
}

describe("GET /openapi.json", () => {
  test("answers the document to anybody, also to pages of other origins", async () => {
    const answer = await world().ask();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.text()).toBe(TEXT);
  });

  test("makes the document when it is first asked for, and never again", async () => {
    const { ask, made } = world();
    expect(made()).toBe(0);
    await Promise.all([ask(), ask()]);
    await ask();
    expect(made()).toBe(1);
  });

  test("answers 304 to whoever has it", async () => {
    const { ask } = world();
    const etag = (await ask()).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    const again = await ask({ "if-none-match": `W/"other", ${etag}` });
    expect(again.status).toBe(304);
    expect(again.headers.get("etag")).toBe(etag);
    expect(await again.text()).toBe("");
    expect((await ask({ "if-none-match": '"other"' })).status).toBe(200);
  });
});
