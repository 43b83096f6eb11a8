import { describe, expect, test } from "bun:test";
import { DenoServing } from "../../../src/runtime/deno-serving.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const REFUSED = new Error("Address already in use");

/** Servers of which a test says when they end, and which of them cannot begin. */
function world(refused: readonly number[] = []) {
  const log = new RecordingLog();
  const servers: { end: () => void; fail: (error: Error) => void }[] = [];
  let begun = Promise.withResolvers<void>();
  let asked = 0;
  const serving = new DenoServing(
    7000,
    (port) => {
      asked += 1;
      if (refused.includes(asked)) throw REFUSED;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      servers.push({ end: resolve, fail: reject });
      begun.resolve();
      begun = Promise.withResolvers<void>();
      return { addr: { port }, finished: promise, shutdown: async () => resolve() };
    },
    log,
  );
  return { serving, servers, log, nextServer: () => begun.promise };
}

describe("DenoServing", () => {
  test("accepts again where the runtime gave up, and says both", async () => {
    const { servers, log, nextServer } = world();
    const next = nextServer();
    const error = new Error("Too many open files");
    servers[0]?.fail(error);
    await next;
    expect(servers).toHaveLength(2);
    expect(log.of("listener.deaf")).toEqual([{ port: 7000, retryMs: 250, error }]);
    expect(log.of("listener.recovered")).toEqual([{ port: 7000 }]);
  });

  test("accepts again where the runtime ended without a word", async () => {
    const { servers, log, nextServer } = world();
    const next = nextServer();
    servers[0]?.end();
    await next;
    expect(String(log.of("listener.deaf")[0]?.["error"])).toContain("ended by itself");
  });

  test("tells once why it cannot begin again, as long as the reason is the same", async () => {
    const { servers, log, nextServer } = world([2, 3]);
    const next = nextServer();
    servers[0]?.fail(new Error("Too many open files"));
    await next;
    const told = log.of("listener.deaf").map(({ error }) => String(error));
    expect(told).toEqual(["Error: Too many open files", String(REFUSED)]);
    expect(log.of("listener.recovered")).toHaveLength(1);
  });

  test("says nothing when it was told to stop, and begins no more", async () => {
    const { serving, servers, log } = world();
    await serving.stop();
    await Promise.resolve();
    expect(servers).toHaveLength(1);
    expect(log.lines).toEqual([]);
  });
});
