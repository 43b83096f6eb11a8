import { expect, test } from "bun:test";
import { showListeners } from "../../../src/compose/figures.ts";
import { checkHears } from "../../../src/compose/listeners.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";

test("a server is not ready while it has lost an address, and a figure tells", async () => {
  let deaf = 1;
  const listeners = { deaf: () => deaf };
  const metrics = createMetrics();
  showListeners({ metrics }, { listeners });
  const shown = async () =>
    valueIn(parsePrometheusText(await metrics.text()), "posthorn_deaf_listeners");
  expect(() => checkHears(listeners)).toThrow("Cannot listen");
  expect(await shown()).toBe(1);
  deaf = 0;
  expect(() => checkHears(listeners)).not.toThrow();
  expect(() => checkHears(undefined)).not.toThrow();
  expect(await shown()).toBe(0);
});
