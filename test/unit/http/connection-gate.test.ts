import { describe, expect, test } from "bun:test";
import { Fault, type FaultCode } from "../../../src/core/faults.ts";
import {
  type ConnectionGateOptions,
  createConnectionGate,
} from "../../../src/http/connection-gate.ts";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const ADDRESS = "192.0.2.1";

function world(options: Partial<ConnectionGateOptions> = {}) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const lifecycle = createLifecycle();
  const gate = createConnectionGate({
    lifecycle,
    clock,
    log,
    gateway: { isFull: () => false, isFullFor: () => false },
    allowedOrigins: { current: [] },
    addressRate: { perSecond: 10, burst: 3 },
    ...options,
  });
  return { gate, clock, log, lifecycle };
}

/** The code of what `call` throws. */
function refusalOf(call: () => void): FaultCode | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe("checkRate()", () => {
  test("lets an address come as often as it may, and refuses it above that", () => {
    const { gate, clock } = world();
    const comes = () => refusalOf(() => gate.checkRate(ADDRESS));
    const refused = "connection_rate_exceeded" as const;
    expect([comes(), comes(), comes(), comes()]).toEqual([
      undefined,
      undefined,
      undefined,
      refused,
    ]);
    clock.advance(100);
    expect([comes(), comes()]).toEqual([undefined, refused]);
  });

  test("counts each address by itself, but all addresses of one IPv6 block together", () => {
    const { gate } = world();
    for (let come = 0; come < 4; come += 1) refusalOf(() => gate.checkRate(ADDRESS));
    expect(refusalOf(() => gate.checkRate("192.0.2.2"))).toBeUndefined();
    const ofBlock = [1, 2, 3, 4].map((n) => refusalOf(() => gate.checkRate(`2001:db8::${n}`)));
    expect(ofBlock.filter((code) => code !== undefined)).toHaveLength(1);
    expect(refusalOf(() => gate.checkRate("2001:db8:0:1::1"))).toBeUndefined();
  });

  test("lets everyone come as often as they like when the rate is 0", () => {
    const { gate } = world({ addressRate: { perSecond: 0, burst: 1 } });
    for (let come = 0; come < 100; come += 1) gate.checkRate(ADDRESS);
  });

  test("logs an address that does not stop once a minute", () => {
    const { gate, clock, log } = world();
    const flood = () => {
      for (let come = 0; come < 100; come += 1) refusalOf(() => gate.checkRate(ADDRESS));
    };
    flood();
    flood();
    expect(log.of("handshake.failed")).toEqual([
      {
        code: "connection_rate_exceeded",
        detail: "at most 3 may connect at once and 10 per second",
        address: ADDRESS,
      },
    ]);
    clock.advance(60_000);
    flood();
    expect(log.of("handshake.failed")).toHaveLength(2);
  });
});

describe("checkRoom()", () => {
  test("refuses everyone when the server is full", () => {
    const { gate } = world({ gateway: { isFull: () => true, isFullFor: () => false } });
    expect(refusalOf(() => gate.checkRoom(ADDRESS))).toBe("clients_full");
  });

  test("refuses an address that has as many clients as it may, and logs it", () => {
    const isFullFor = (address: string) => address === ADDRESS;
    const { gate, log } = world({ gateway: { isFull: () => false, isFullFor } });
    expect(refusalOf(() => gate.checkRoom(ADDRESS))).toBe("connections_exceeded");
    expect(refusalOf(() => gate.checkRoom("192.0.2.2"))).toBeUndefined();
    expect(log.of("handshake.failed")).toMatchObject([
      { code: "connections_exceeded", address: ADDRESS },
    ]);
  });

  test("refuses everyone while the server shuts down", () => {
    const { gate, lifecycle } = world();
    lifecycle.startDraining();
    expect(refusalOf(() => gate.checkRoom(ADDRESS))).toBe("draining");
  });
});
