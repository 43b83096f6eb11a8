import { expect, test } from "bun:test";
import { countLines } from "../../../src/telemetry/counted-log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { createTracedLog } from "../../../src/telemetry/traced-log.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";
import { RecordingLog } from "../../support/recording-log.ts";

test("createTracedLog() adds the trace to the lines of its own work, also after a wait", async () => {
  const recorded = new RecordingLog();
  const { log, runTraced } = createTracedLog(recorded);
  const work = async (code: string) => {
    log.info("http.refused", { code });
    await Promise.resolve();
    log.warn("http.refused", { code });
  };
  await Promise.all([
    runTraced("a1", () => work("one")),
    runTraced("b2", () => work("two")),
    work("none"),
  ]);
  expect(recorded.of("http.refused")).toEqual([
    { code: "one", trace_id: "a1" },
    { code: "two", trace_id: "b2" },
    { code: "none" },
    { code: "one", trace_id: "a1" },
    { code: "two", trace_id: "b2" },
    { code: "none" },
  ]);
});

test("countLines() counts by level and passes every line on", async () => {
  const recorded = new RecordingLog();
  const metrics = createMetrics();
  const log = countLines(recorded, metrics);
  log.debug("api.called");
  log.error("http.bug", { error: "x" });
  log.error("http.bug");
  expect(recorded.lines.map(({ level }) => level)).toEqual(["debug", "error", "error"]);
  const families = parsePrometheusText(await metrics.text());
  const lines = (level: string) => valueIn(families, "posthorn_log_lines_total", { level });
  expect(["debug", "info", "warn", "error"].map(lines)).toEqual([1, 0, 0, 2]);
});
