import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createApiKeys } from "../../../src/auth/api-keys.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindBindings } from "../../../src/http/bindings.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { gatewayWorld } from "../../support/gateway-world.ts";
import { openPaces } from "../../support/open-paces.ts";
import { API_KEY } from "../../support/server-api-world.ts";

const TIME = Date.UTC(2026, 0, 1);

function make() {
  const { bindings, owners, clock, log } = gatewayWorld();
  const app = new Hono<{ Bindings: Caller }>();
  const limits = { bodyMaxBytes: 1_000, bodyTimeoutMs: 1_000 };
  const devices = {
    async find(id: string) {
      if (id === "none") throw new Fault("device_unknown");
      return { id: parseDeviceId(id) } as never;
    },
  };
  const apiKeys = createApiKeys([API_KEY]);
  bindBindings(app, { bindings, devices, clock, limits, apiKeys, paces: openPaces() });
  app.onError((error) => toProblem(error, clock, log));
  async function ask(method: string, path: string, body?: string) {
    const headers = { "x-api-key": API_KEY };
    const init = { method, headers, ...(body !== undefined && { body }) };
    const answer = await app.request(path, init, { remoteAddress: "192.0.2.7" });
    const text = await answer.text();
    return { status: answer.status, json: text === "" ? undefined : JSON.parse(text), answer };
  }
  return { ask, app, owners };
}

describe("/v1/users/{user}/devices/{id}", () => {
  test("PUT binds, by default with every command, and again with others", async () => {
    const { ask } = make();
    const bound = { user: "anna", device: "42", server_time: TIME };
    expect(await ask("PUT", "/v1/users/anna/devices/42")).toMatchObject({
      status: 200,
      json: { ...bound, commands: ["*"] },
    });
    const body = '{"commands":["lamp.*"]}';
    expect(await ask("PUT", "/v1/users/anna/devices/42", body)).toMatchObject({
      status: 200,
      json: { ...bound, commands: ["lamp.*"] },
    });
    expect((await ask("GET", "/v1/users/anna/devices")).json).toEqual({
      devices: [{ id: "42", commands: ["lamp.*"] }],
      server_time: TIME,
    });
    expect((await ask("GET", "/v1/devices/42/users")).json).toEqual({
      users: [{ user: "anna", commands: ["lamp.*"] }],
      server_time: TIME,
    });
  });

  test("tells the users of a device that is on record only", async () => {
    const { status, json } = await make().ask("GET", "/v1/devices/none/users");
    expect([status, json.code]).toEqual([404, "device_unknown"]);
  });

  test("DELETE ends it, once", async () => {
    const { ask } = make();
    await ask("PUT", "/v1/users/anna/devices/42");
    const { status, json, answer } = await ask("DELETE", "/v1/users/anna/devices/42");
    expect([status, json, answer.headers.get("server-time")]).toEqual([204, undefined, `${TIME}`]);
    expect(await ask("DELETE", "/v1/users/anna/devices/42")).toMatchObject({
      status: 404,
      json: { code: "binding_unknown", server_time: TIME },
    });
    expect((await ask("GET", "/v1/users/anna/devices")).json.devices).toEqual([]);
  });

  test("takes a user with any characters that are encoded", async () => {
    const { ask, owners } = make();
    const user = "公司/用户 1%?#";
    const path = `/v1/users/${encodeURIComponent(user)}/devices`;
    expect((await ask("PUT", `${path}/42`)).json).toMatchObject({ user });
    expect(await owners.bindingsOfUser(user)).toHaveLength(1);
    expect((await ask("GET", path)).json.devices).toHaveLength(1);
  });

  test("tells why it does not bind", async () => {
    const { ask, owners } = make();
    owners.refusals.set(parseDeviceId("new"), "device_unknown");
    expect((await ask("PUT", "/v1/users/anna/devices/new")).json).toMatchObject({
      code: "device_unknown",
    });
    owners.refusals.set(parseDeviceId("new"), "full");
    const { status, json, answer } = await ask("PUT", "/v1/users/anna/devices/new");
    expect([status, json.code]).toEqual([409, "bindings_full"]);
    expect(answer.headers.has("retry-after")).toBe(false);
  });
});

describe("every route of bindings", () => {
  const ROUTES = [
    ["PUT", "/v1/users/anna/devices/42"],
    ["DELETE", "/v1/users/anna/devices/42"],
    ["GET", "/v1/users/anna/devices"],
    ["GET", "/v1/devices/42/users"],
  ] as const;

  test.each(ROUTES)("%s %s wants the API key before anything else", async (method, path) => {
    const { app } = make();
    const wrong = path.replace("anna", "a%0Ab").replace("42", "%40");
    for (const url of [path, wrong]) {
      const answer = await app.request(url, { method }, { remoteAddress: "192.0.2.7" });
      expect([answer.status, (await answer.json()).code]).toEqual([401, "api_key_missing"]);
    }
  });

  test.each(ROUTES)("%s %s refuses a user or a device that cannot be one", async (method, path) => {
    const { ask } = make();
    const bad = path.includes("anna")
      ? ([path.replace("anna", "a%0Ab"), "binding_invalid"] as const)
      : ([path.replace("42", "%40"), "device_malformed"] as const);
    expect(await ask(method, bad[0])).toMatchObject({ status: 400, json: { code: bad[1] } });
  });

  test("refuses a body that says something else", async () => {
    const { ask } = make();
    expect(await ask("PUT", "/v1/users/anna/devices/42", '{"comands":[]}')).toMatchObject({
      status: 400,
      json: { code: "binding_invalid", detail: expect.stringContaining("comands") },
    });
  });
});
