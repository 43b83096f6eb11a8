import { describe, expect, test } from "bun:test";
import { createLog, type LogFormat, type LogLevel } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function world(options: { level?: LogLevel; format?: LogFormat } = {}) {
  const lines: string[] = [];
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 30, 5, 7));
  const write = (line: string) => lines.push(line);
  const log = createLog({ level: "info", format: "json", clock, write, ...options });
  return { lines, clock, log, parsed: () => lines.map((line) => JSON.parse(line)) };
}

describe("createLog()", () => {
  test("writes one JSON object per event", () => {
    const { log, parsed } = world();
    log.info("device.posted", { device: "kiosk-1", stored: 2, absent: undefined });
    expect(parsed()).toEqual([
      {
        time: "2026-01-01T12:30:05.007Z",
        level: "info",
        event: "device.posted",
        device: "kiosk-1",
        stored: 2,
      },
    ]);
  });

  test("writes words for a person", () => {
    const { log, lines } = world({ format: "text" });
    log.warn("client.slow", { client: "c1" });
    expect(lines).toEqual(['12:30:05.007 warn  client.slow         client="c1"']);
  });

  test("leaves out what is below its level", () => {
    const { log, lines } = world({ level: "warn" });
    log.debug("client.message");
    log.info("client.message");
    log.error("ws.bug");
    expect(lines).toHaveLength(1);
  });

  test.each(["token", "ticket", "secret", "Authorization", "password"])(
    "never shows a %s",
    (name) => {
      const { log, lines } = world();
      log.info("client.connected", { [name]: "canary" });
      expect(lines.join()).not.toContain("canary");
    },
  );

  test.each(["\r\nforged", "\u001b[31mred", "\u2028"])("keeps %j inside one line", (text) => {
    for (const format of ["json", "text"] as const) {
      const { log, lines } = world({ format });
      log.info("handshake.failed", { path: text });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/\p{Cc}/u);
    }
  });

  test("cuts what is too long for a line", () => {
    const { log, lines } = world();
    log.info("handshake.failed", { agent: "x".repeat(1_000_000) });
    expect(lines[0]?.length).toBeLessThan(1_200);
    expect(lines[0]).toContain("(1000000 characters)");
  });

  test("shows an error with its stack and its cause", () => {
    const { log, parsed } = world();
    log.error("http.bug", { error: new TypeError("outer", { cause: new Error("inner") }) });
    expect(parsed()[0].error).toMatchObject({
      name: "TypeError",
      message: "outer",
      stack: expect.stringContaining("log.test.ts"),
      cause: "Error: inner",
    });
  });

  test("counts what it suppresses in a busy second and tells it in the next", () => {
    const { log, lines, clock, parsed } = world();
    for (let n = 0; n < 80; n += 1) log.info("device.posted", { n });
    expect(lines).toHaveLength(50);
    clock.advance(1000);
    log.info("device.posted", { n: 80 });
    expect(parsed().at(-1)).toMatchObject({ n: 80, suppressed: 30 });
  });

  test("suppresses errors, too, but only when there are many more", () => {
    const { log, lines, clock, parsed } = world();
    for (let n = 0; n < 1_000; n += 1) log.error("http.bug", { n });
    expect(lines).toHaveLength(200);
    clock.advance(1000);
    log.error("http.bug", { n: 1_000 });
    expect(parsed().at(-1)).toMatchObject({ n: 1_000, suppressed: 800 });
  });

  test("writes an error although lesser lines of its event spent their budget", () => {
    const { log, parsed } = world();
    for (let n = 0; n < 80; n += 1) log.warn("store.failed", { n });
    log.error("store.failed", { n: 80 });
    expect(parsed().at(-1)).toMatchObject({ level: "error", n: 80, suppressed: 30 });
  });
});

describe("setLevel()", () => {
  test("decides what is written from now on", () => {
    const { log, parsed } = world({ level: "warn" });
    log.debug("client.message", { at: 1 });
    log.setLevel("debug");
    log.debug("client.message", { at: 2 });
    log.setLevel("error");
    log.warn("client.slow", { at: 3 });
    log.error("ws.bug", { at: 4 });
    expect(parsed().map(({ at }) => at)).toEqual([2, 4]);
  });
});
