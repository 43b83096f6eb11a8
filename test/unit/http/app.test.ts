import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { AppServices } from "../../../src/http/app.ts";
import { createApp } from "../../../src/http/app.ts";
import type { ConnectionGate } from "../../../src/http/connection-gate.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { gatewayWorld } from "../../support/gateway-world.ts";
import { openPaces } from "../../support/open-paces.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { apiParts } from "../../support/server-api-world.ts";

const NOW = Date.UTC(2026, 0, 1);

const OPEN_GATE: ConnectionGate = {
  checkOrigin: () => undefined,
  checkRate: () => undefined,
  checkRoom: () => undefined,
};

/** A part that these tests must not touch. */
function unused<Part extends object>(name: string): Part {
  return new Proxy({} as Part, {
    get() {
      throw new Error(`the test used ${name}`);
    },
  });
}

function world(overrides: Partial<AppServices> = {}) {
  const clock = new FakeClock(NOW);
  const log = new RecordingLog();
  const clients = gatewayWorld();
  const app = createApp({
    dev: false,
    awaitsCertificate: () => false,
    clock,
    log,
    entropy: createFakeEntropy(),
    apiKeys: unused("apiKeys"),
    paces: openPaces(),
    devices: unused("devices"),
    sightings: unused("sightings"),
    presence: unused("presence"),
    deviceEvents: unused("deviceEvents"),
    states: unused("states"),
    commands: unused("commands"),
    receiving: unused("receiving"),
    receivers: unused("receivers"),
    connections: unused("connections"),
    bindings: unused("bindings"),
    tickets: unused("tickets"),
    logins: unused("logins"),
    sessions: unused("sessions"),
    webhooks: {
      endpoints: { current: [] },
      outbox: unused("outbox"),
      dispatcher: unused("dispatcher"),
    },
    pushProviders: { current: [] },
    fleetKeys: { current: undefined },
    publicUrl: { current: undefined },
    queueGrew: () => {},
    nativePing: true,
    serverApi: apiParts(clients),
    transports: { gateway: clients.gateway, gate: OPEN_GATE, clientHeaders: { current: [] } },
    limits: LIMITS,
    metrics: unused("metrics"),
    metricsAccess: unused("metricsAccess"),
    describeApi: async () => '{"openapi":"3.1.0"}',
    checkReady: async () => {},
    ...overrides,
  });
  return { app, log };
}

async function statusAndBody(answer: Response | Promise<Response>) {
  const { status, headers, json } = await Promise.resolve(answer).then(async (it) => ({
    status: it.status,
    headers: it.headers,
    json: await it.json(),
  }));
  return { status, headers, body: json };
}

describe("createApp()", () => {
  test("/healthz tells that no certificate is there yet, and stays well", async () => {
    const { app } = world({ awaitsCertificate: () => true });
    const answer = await app.request("/healthz");
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      status: "ok",
      certificate: "awaited",
      server_time: NOW,
    });
  });

  test("/healthz answers while the process runs", async () => {
    const { app } = world({ checkReady: () => Promise.reject(new Fault("draining")) });
    expect((await app.request("/healthz")).status).toBe(200);
  });

  test("/readyz answers 503 when the server takes no work, and logs no error", async () => {
    const { app, log } = world({ checkReady: () => Promise.reject(new Fault("draining")) });
    const { status, body } = await statusAndBody(app.request("/readyz"));
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: "draining" });
    expect(log.of("http.unavailable")).toEqual([]);
  });

  test("/readyz answers 200 when it does", async () => {
    expect((await world().app.request("/readyz")).status).toBe(200);
  });

  test("an unknown path is a problem, too", async () => {
    const { status, body } = await statusAndBody(world().app.request("/nope"));
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "path_unknown" });
  });

  test.each([
    ["PUT", "/v1/devices/42", "GET, PATCH, DELETE"],
    ["POST", "/v1/devices/42/commands/stream", "GET, DELETE"],
    ["GET", "/v1/enroll", "POST"],
    ["DELETE", "/v1/tickets", "POST"],
  ])("%s %s is told what the path takes", async (method, path, allow) => {
    const { status, headers, body } = await statusAndBody(world().app.request(path, { method }));
    expect([status, body.code, headers.get("allow")]).toEqual([405, "http_method_wrong", allow]);
    expect(body.detail).toContain(`wanted ${allow}`);
  });

  test.each(["/v1/devices/42/nope", "/v1/devices//commands/a", "/v1/"])(
    "%s is not there by any method",
    async (path) => {
      const { status, body } = await statusAndBody(world().app.request(path, { method: "PUT" }));
      expect([status, body.code]).toEqual([404, "path_unknown"]);
    },
  );

  test("/console forbids everything but its own script and style", async () => {
    const { app } = world();
    const answer = await app.request("/console");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]{44}'/);
    expect(await answer.text()).toContain("<title>Posthorn</title>");
  });
});
