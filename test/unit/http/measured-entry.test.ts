import { expect, test } from "bun:test";
import type { RequestInfo } from "../../../src/core/ports/host.ts";
import { measureEntry } from "../../../src/http/measured-entry.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";

const INFO = {} as RequestInfo;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

function world(answer: () => Response) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const traces: string[] = [];
  const routes = [{ path: "/v1/devices/:id/events" }] as Parameters<
    typeof measureEntry
  >[1]["app"]["routes"];
  const entry = measureEntry(
    async () => {
      clock.advance(30);
      return answer();
    },
    {
      app: { routes },
      metrics,
      clock,
      runTraced(traceId, work) {
        traces.push(traceId);
        return work();
      },
    },
  );
  const ask = (path: string, init?: RequestInit) =>
    entry(new Request(`http://h.example${path}`, init), INFO);
  const scrape = async () => parsePrometheusText(await metrics.text());
  return { ask, scrape, traces };
}

test("measureEntry() counts by pattern and class, and never by what a path holds", async () => {
  const { ask, scrape } = world(() => new Response("", { status: 404 }));
  await ask("/v1/devices/secret-id/events?token=t", { method: "POST" });
  await ask("/wp-login.php", { method: "PROPFIND" });
  const found = await scrape();
  const all = found.get("posthorn_http_requests_total")?.samples.map(({ labels }) => labels);
  expect(all).toEqual([
    { method: "POST", route: "/v1/devices/:id/events", status: "4xx" },
    { method: "other", route: "other", status: "4xx" },
  ]);
  expect(valueIn(found, "posthorn_http_request_seconds_sum")).toBeCloseTo(0.06);
});

test("measureEntry() shows a handshake that succeeded as what it was on the wire", async () => {
  const { ask, scrape } = world(() => new Response());
  await ask("/login", { headers: { upgrade: "websocket" } });
  await ask("/login");
  const found = await scrape();
  const of = (status: string) => valueIn(found, "posthorn_http_requests_total", { status });
  expect([of("1xx"), of("2xx")]).toEqual([1, 1]);
});

test("measureEntry() names the trace of a request that has one, and of no other", async () => {
  const { ask, traces } = world(() => new Response());
  await ask("/a", { headers: { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` } });
  await ask("/a", { headers: { traceparent: "00-nonsense" } });
  await ask("/a");
  expect(traces).toEqual([TRACE_ID]);
});
