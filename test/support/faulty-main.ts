// Posthorn with parts that throw on request: what the server does with its own bugs can only be
// seen where it has some. Runs on Bun and on Deno; prints its log like `posthorn serve`.
import process from "node:process";
import { startServer } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Deliver, Engine } from "../../src/core/ports/engine.ts";
import type { Log } from "../../src/core/ports/log.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { currentHost } from "../../src/runtime/current-host.ts";
import { systemEntropy } from "../../src/runtime/entropy.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { BOOM, BOOM_CHARS, BOOM_CODE, boomAt } from "./boom.ts";

const write = (line: string) => process.stdout.write(`${line}\n`);
const real = createLog({ level: "info", format: "json", clock: systemClock, write });

/** Where a post said that something throws, once. */
const armed = new Set<"open" | "refused">();

/** Throws in the handlers that log a marked line. */
const log: Log = {
  debug: (event, fields) => real.debug(event, fields),
  info(event, fields = {}) {
    real.info(event, fields);
    const isMarked = fields["chars"] === BOOM_CHARS || fields["code"] === BOOM_CODE;
    if (isMarked || (event === "client.refused" && armed.delete("refused"))) throw new Error(BOOM);
  },
  warn: (event, fields) => real.warn(event, fields),
  error: (event, fields) => real.error(event, fields),
};

/** Throws when a socket opens. */
const entropy = {
  ...systemEntropy,
  uuid() {
    if (armed.delete("open")) throw new Error(BOOM);
    return systemEntropy.uuid();
  },
};

async function openEngine(deliver: Deliver): Promise<Engine> {
  const clock = systemClock;
  const faulty: Deliver = (channel, publication, position) => {
    if (publication.data.includes(boomAt("deliver"))) throw new Error(BOOM);
    deliver(channel, publication, position);
  };
  const options = { location: "memory", sync: "full", clock, entropy: systemEntropy, log } as const;
  const retention = { sizeMax: 100, ttlMs: 60_000 };
  const engine = await createSqliteEngine({
    ...options,
    deliver: faulty,
    outboxGrew: () => undefined,
    ownEvents: { retention, endpoints: {} },
  });
  return {
    ...engine,
    async append(entry) {
      if (entry.publication.data.includes(boomAt("append"))) throw new Error(BOOM);
      for (const place of ["open", "refused"] as const) {
        if (entry.publication.data.includes(boomAt(place))) armed.add(place);
      }
      return engine.append(entry);
    },
    async history(channel, query) {
      if (channel.includes(boomAt("history"))) throw new Error(BOOM);
      return engine.history(channel, query);
    },
    ping: () => Promise.reject(new Error(BOOM)),
  };
}

const config = loadConfig({ env: {}, flags: { dev: true, port: "0" } });
const host = await currentHost(log);
const server = await startServer(config, {
  ...{ clock: systemClock, entropy, log, host, openEngine },
  metrics: createMetrics(),
  usage: () => ({ cpuSeconds: 0, residentBytes: 0, heapBytes: 0 }),
});
real.info("server.listening", { port: server.port, urls: [`http://127.0.0.1:${server.port}`] });
