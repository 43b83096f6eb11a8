import { describe, expect, test } from "bun:test";
import { METRICS } from "../../../src/core/metrics/table.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const scrape = async (metrics: { text(): Promise<string> }) =>
  parsePrometheusText(await metrics.text());

describe("createMetrics()", () => {
  test("shows every metric of the table with its kind and its help, in a form that parses", async () => {
    const families = await scrape(createMetrics());
    expect([...families.keys()]).toEqual(Object.keys(METRICS));
    for (const [name, { kind, help }] of Object.entries(METRICS)) {
      expect(families.get(name)).toMatchObject({ type: kind, help });
    }
  });

  test("adds up what is counted, by label values", async () => {
    const metrics = createMetrics();
    const stored = metrics.counter("posthorn_device_events_total", { result: "stored" });
    stored.add();
    stored.add(4);
    metrics.count("posthorn_device_events_total", { result: "refused" });
    metrics.count("posthorn_device_events_total", { result: "refused" });
    const families = await scrape(metrics);
    const of = (result: string) => valueIn(families, "posthorn_device_events_total", { result });
    expect([of("stored"), of("refused")]).toEqual([5, 2]);
  });

  test("sorts amounts into buckets that hold what is at most their bound", async () => {
    const metrics = createMetrics();
    const sizes = metrics.histogram("posthorn_store_commit_operations", {});
    for (const value of [1, 2, 3, 5000]) sizes.observe(value);
    const families = await scrape(metrics);
    const upTo = (le: string) =>
      valueIn(families, "posthorn_store_commit_operations_bucket", { le });
    expect(["1", "2", "5", "1000", "+Inf"].map(upTo)).toEqual([1, 2, 3, 3, 4]);
    expect(valueIn(families, "posthorn_store_commit_operations_sum")).toBe(5006);
  });

  test("shows what is read at each scrape, and forgets what a reader no longer tells", async () => {
    const metrics = createMetrics();
    let platforms = ["wx", "browser"];
    metrics.onRead((tell) => {
      for (const platform of platforms) {
        tell("posthorn_clients", { transport: "websocket", platform }, 7);
      }
    });
    expect((await scrape(metrics)).get("posthorn_clients")?.samples).toHaveLength(2);
    platforms = ["wx"];
    expect((await scrape(metrics)).get("posthorn_clients")?.samples).toEqual([
      { name: "posthorn_clients", labels: { transport: "websocket", platform: "wx" }, value: 7 },
    ]);
  });

  test("leaves out what a reader cannot tell, and nothing else", async () => {
    const metrics = createMetrics();
    metrics.onRead(() => Promise.reject(new Error("the store is closed")));
    metrics.onRead(() => {
      throw new Error("there is no /proc");
    });
    metrics.onRead((tell) => tell("posthorn_users", {}, 3));
    const families = await scrape(metrics);
    expect(valueIn(families, "posthorn_users")).toBe(3);
    expect(families.get("posthorn_devices")?.samples).toEqual([]);
  });

  test("tells the log once what cannot be read, and again when it could be meanwhile", async () => {
    const log = new RecordingLog();
    const metrics = createMetrics(log);
    const error = new Error("the store is closed");
    let isOpen = false;
    metrics.onRead(() => {
      if (!isOpen) throw error;
    });
    await metrics.text();
    await metrics.text();
    expect(log.lines).toEqual([{ level: "warn", event: "metrics.unread", fields: { error } }]);
    for (const it of [true, false]) {
      isOpen = it;
      await metrics.text();
    }
    expect(log.of("metrics.unread")).toHaveLength(2);
  });

  test("answers who asks meanwhile with the same, and reads once", async () => {
    const metrics = createMetrics();
    let reads = 0;
    metrics.onRead(() => {
      reads += 1;
    });
    const [first, second] = await Promise.all([metrics.text(), metrics.text()]);
    expect(first).toBe(second);
    expect(reads).toBe(1);
    await metrics.text();
    expect(reads).toBe(2);
  });

  test("counts what is beyond the bound of label values as one", async () => {
    const metrics = createMetrics();
    for (let endpoint = 0; endpoint < 600; endpoint += 1) {
      metrics.count("posthorn_logins_total", { login: `l${endpoint}`, outcome: "known" });
    }
    const samples = (await scrape(metrics)).get("posthorn_logins_total")?.samples ?? [];
    expect(samples).toHaveLength(501);
    expect(samples.at(-1)).toMatchObject({
      labels: { login: "other", outcome: "other" },
      value: 100,
    });
  });

  test("writes label values of any kind so that they are read back", async () => {
    const metrics = createMetrics();
    const login = 'a"b\\c\nd';
    metrics.count("posthorn_logins_total", { login, outcome: "known" });
    expect(valueIn(await scrape(metrics), "posthorn_logins_total", { login })).toBe(1);
  });
});

test.each([
  ["posthorn_users 1\n", "not of"],
  ["# HELP a b\n# TYPE a gauge\na 1\na 2\n", "twice"],
  ['# HELP a b\n# TYPE a gauge\na{x="1} 2\n', "no sample"],
  ["# HELP a b\n# TYPE a gauge\na 1", "has no end"],
  ['# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n', "+Inf"],
  ["# HELP a b\n# TYPE a counter\na -1\n", "below 0"],
])("parsePrometheusText() refuses %j", (text, why) => {
  expect(() => parsePrometheusText(text)).toThrow(why);
});
