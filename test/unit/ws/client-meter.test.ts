import { expect, test } from "bun:test";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { platformOf } from "../../../src/ws/client-platform.ts";
import { connect, DEVICE_42, gatewayWorld, login, settled } from "../../support/gateway-world.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";

function world() {
  const metrics = createMetrics();
  const it = gatewayWorld({ metrics });
  const scrape = async () => parsePrometheusText(await metrics.text());
  return { ...it, scrape };
}

test("a publication is counted once, its deliveries and frames once per client", async () => {
  const it = world();
  connect(it, login("subscribed"));
  connect(it, login("subscribed"));
  await settled();
  const before = await it.scrape();
  await it.publish(DEVICE_42, '{"a":1}');
  const after = await it.scrape();
  const grew = (name: string) => valueIn(after, name) - valueIn(before, name);
  expect(grew("posthorn_publications_total")).toBe(1);
  expect(grew("posthorn_deliveries_total")).toBe(2);
  expect(grew("posthorn_sent_frames_total")).toBe(2);
  expect(grew("posthorn_sent_bytes_total")).toBeGreaterThan(2 * '{"a":1}'.length);
  expect(valueIn(after, "posthorn_client_connections_total", { transport: "websocket" })).toBe(2);
});

test("ends are counted by who ended and by codes that are known", async () => {
  const it = world();
  for (const code of [1000, 4711, 1006]) {
    const { handler } = connect(it, login("subscribed"));
    await settled();
    handler.close(code, "");
  }
  connect(it, login("expired"));
  await settled();
  const found = await it.scrape();
  const by = (who: string, code: string) =>
    valueIn(found, "posthorn_client_closes_total", { by: who, code });
  expect([by("client", "1000"), by("client", "other"), by("client", "1006")]).toEqual([1, 1, 1]);
  expect(valueIn(found, "posthorn_client_closes_total", { by: "server" })).toBe(1);
});

test("a socket that breaks off tells for how long it was silent in both directions", async () => {
  const it = world();
  const { handler } = connect(it, login("subscribed"));
  await settled();
  it.clock.advance(2_000);
  handler.message("{}");
  it.clock.advance(4_000);
  handler.close(1006, "");
  const found = await it.scrape();
  const name = "posthorn_client_abnormal_close_silence_seconds";
  expect(valueIn(found, `${name}_sum`)).toBe(4);
});

test.each([
  [undefined, "unknown"],
  ["", "unknown"],
  ["posthorn-wx", "wx"],
  ["posthorn-uni-app", "uni-app"],
  ["js", "other"],
  ["posthorn-<script>", "other"],
  ["wx", "other"],
])("platformOf(%j) is %s", (name, platform) => {
  expect(platformOf(name)).toBe(platform);
});
