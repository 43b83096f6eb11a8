import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY } from "../support/backend.ts";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../support/fake-webhook-receiver.ts";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually, within } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { parsePrometheusText, valueIn } from "../support/prometheus-text.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const KEY = "metrics-key-0123456789abcdef";
const USER = "user-anna-77";
const DEVICE = "till-secret-name-9";

type Labels = Readonly<Record<string, string>>;

async function scrapeText(url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
  return answer.text();
}

async function scrape(url: string) {
  const families = parsePrometheusText(await scrapeText(url));
  return (name: string, labels: Labels = {}) => valueIn(families, `posthorn_${name}`, labels);
}

/** Waits until a figure is what it has to become; the last scrape tells the rest. */
function until(url: string, isReached: (of: Awaited<ReturnType<typeof scrape>>) => boolean) {
  return eventually(async () => {
    const of = await scrape(url);
    return isReached(of) ? of : undefined;
  }, "the figures");
}

describe.each(TARGETS)("/metrics of $name", (target) => {
  test("shows what clients, devices and webhooks do, and nothing that names them", async () => {
    await using receiver = new FakeWebhookReceiver();
    receiver.answers = [500];
    const webhook = { url: receiver.url, secret: WEBHOOK_SECRET, events: ["sold"] };
    await using fleet = await Fleet.start(target, { webhooks: { erp: webhook } });
    const { url, wsUrl, port } = fleet.server;
    const before = await scrape(url);
    expect(before("devices")).toBe(0);
    expect(before("webhook_waiting", { endpoint: "erp" })).toBe(0);

    const device = await fleet.addDevice(DEVICE);
    const listener = new CentrifugeClient(wsUrl, {
      token: signToken({ sub: USER, devices: [DEVICE] }),
    });
    listener.connect();
    await listener.subscribe(`device:${DEVICE}`);
    const post = (body: object) => device.ask("POST", "/events", { body });
    await post({ id: "1", type: "sold", data: 1 });
    await post({ id: "1", type: "sold", data: 1 });
    await post({ type: "device.faked", data: 1 });
    await fleet.sendOk(device, { type: "ring" });
    await within(receiver.until(1), "the delivery that fails");
    await fetch(`${url}/login`);

    const failed = { outcome: "failed" };
    const of = await until(
      url,
      (it) =>
        it("webhook_deliveries_total", failed) > 0 && it("event_loop_delay_seconds_count") > 0,
    );
    expect(of("clients", { transport: "websocket" })).toBe(1);
    expect([of("users"), of("channels"), of("subscriptions")]).toEqual([1, 1, 1]);
    expect([of("devices"), of("devices_online")]).toEqual([1, 1]);
    const events = (result: string) => of("device_events_total", { result });
    expect([events("stored"), events("duplicate"), events("refused")]).toEqual([1, 1, 1]);
    expect(of("commands", { status: "queued" })).toBe(1);
    expect(of("own_events_total", { type: "command.queued" })).toBe(1);
    expect(of("own_events_total", { type: "device.online" })).toBe(1);
    expect(of("publications_total")).toBeGreaterThanOrEqual(3);
    expect(of("deliveries_total")).toBeGreaterThanOrEqual(2);
    expect(of("sent_bytes_total")).toBeGreaterThan(100);
    expect(of("webhook_waiting", { endpoint: "erp" })).toBe(1);
    expect(of("webhook_lag_seconds", { endpoint: "erp" })).toBeGreaterThan(0);
    expect(of("handshakes_refused_total", { code: "websocket_expected" })).toBe(1);
    const posts = { method: "POST", route: "/v1/devices/:id/events" };
    expect(of("http_requests_total", { ...posts, status: "2xx" })).toBe(2);
    expect(of("http_requests_total", { ...posts, status: "4xx" })).toBe(1);
    expect(of("http_request_seconds_count", { route: posts.route })).toBe(3);
    expect(of("http_requests_total", { route: "/connection/websocket", status: "1xx" })).toBe(1);
    expect(of("store_commit_seconds_count")).toBeGreaterThan(3);
    expect(of("store_bytes", { file: "database" })).toBeGreaterThan(0);
    expect(of("disk_free_bytes")).toBeGreaterThan(0);
    expect(of("log_lines_total", { level: "warn" })).toBeGreaterThan(0);
    expect(of("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(of("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(of("process_open_files")).toBeGreaterThan(5);
    expect(of("process_open_files_max")).toBeGreaterThan(of("process_open_files"));
    expect(of("build_info")).toBe(1);

    listener[Symbol.dispose]();
    const gone = await until(url, (it) => it("clients") === 0);
    expect(gone("client_closes_total", { by: "client" })).toBe(1);

    {
      const { socket } = await RawWebsocket.open({ port, path: "/login" });
      using broken = socket;
      await broken.frames.find(() => true, { what: "the connect push" });
    }
    const after = await until(url, (it) => it("client_closes_total") === 2);
    expect(after("client_abnormal_close_silence_seconds_count")).toBe(1);

    const labels = (await scrapeText(url)).match(/\{.*\}/g)?.join("\n") ?? "";
    for (const secret of [USER, DEVICE, device.secret, BACKEND_KEY, "127.0.0.1"]) {
      expect(labels).not.toContain(secret);
    }
  });

  test("is open to its keys and to the machine itself, not to who comes through a proxy", async () => {
    await using server = await startPosthorn(target, { config: { metrics: { keys: [KEY] } } });
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${server.url}/metrics`, { headers })).status;
    const forwarded = { "x-forwarded-for": "203.0.113.7" };
    expect(await ask({})).toBe(200);
    expect(await ask(forwarded)).toBe(401);
    expect(await ask({ ...forwarded, authorization: `Bearer ${BACKEND_KEY}` })).toBe(401);
    expect(await ask({ ...forwarded, authorization: `Bearer ${KEY}` })).toBe(200);
  });

  test("tells when the certificate ends", async () => {
    await using workspace = await Workspace.make();
    const { ca, cert, key } = await makeCertificateFiles(target, workspace);
    await using server = await startPosthorn(target, { workspace, config: { tls: { cert, key } } });
    const answer = await fetch(`${server.url}/metrics`, { tls: { ca } });
    const families = parsePrometheusText(await answer.text());
    const endsAtS = valueIn(families, "posthorn_certificate_expiry_timestamp_seconds");
    expect(endsAtS * 1000).toBeGreaterThan(Date.now());
  });

  test("counts whom a limit turns away", async () => {
    const limits = { clients_max: 1 };
    await using server = await startPosthorn(target, { config: { limits } });
    using first = await FrameSocket.open(`${server.wsUrl}/login`);
    await first.frames.find(() => true, { what: "the connect push" });
    const refused = await FrameSocket.open(`${server.wsUrl}/login`).then(
      () => "let in",
      () => "refused",
    );
    expect(refused).toBe("refused");
    const of = await scrape(server.url);
    expect(of("connections_refused_total", { code: "clients_full" })).toBe(1);
  });
});
