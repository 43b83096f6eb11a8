import { describe, expect, test } from "bun:test";
import { OpenConnections } from "../../../src/ws/open-connections.ts";
import { connect, connected, gatewayWorld, settled } from "../../support/gateway-world.ts";

const ADDRESS = "192.0.2.1";

describe("OpenConnections", () => {
  test("counts those of each address, and all of one IPv6 block together", () => {
    const connections = new OpenConnections();
    for (const address of [ADDRESS, ADDRESS, "2001:db8::1", "2001:db8::2"]) {
      connections.opened(address);
    }
    connections.closed(ADDRESS);
    expect(connections.openFrom(ADDRESS)).toBe(1);
    expect(connections.openFrom("2001:db8::3")).toBe(2);
    connections.closed(ADDRESS);
    expect(connections.openFrom(ADDRESS)).toBe(0);
  });

  test("tells when the last one has closed", async () => {
    const connections = new OpenConnections();
    connections.opened(ADDRESS);
    connections.opened("192.0.2.2");
    let areClosed = false;
    const closed = connections.allClosed().then(() => {
      areClosed = true;
    });
    connections.closed(ADDRESS);
    await settled();
    expect(areClosed).toBe(false);
    connections.closed("192.0.2.2");
    await closed;
    await connections.allClosed();
  });
});

describe("isFullFor()", () => {
  test("is true for an address with as many clients as it may have, whatever carries them", async () => {
    const it = gatewayWorld({ limits: { clientsPerAddress: 2 } });
    const { handler } = await connected(it);
    expect(it.gateway.isFullFor(ADDRESS)).toBe(false);
    const start = { transport: "http_stream", frame: "" } as const;
    const body = it.gateway.hold({ peer: { remoteAddress: ADDRESS }, start, onClosing() {} });
    expect(it.gateway.isFullFor(ADDRESS)).toBe(true);
    expect(it.gateway.isFullFor("192.0.2.2")).toBe(false);
    handler.close(1001, "");
    expect(it.gateway.isFullFor(ADDRESS)).toBe(false);
    await body.cancel();
  });

  test("is never true where no limit is set", () => {
    const it = gatewayWorld();
    for (let client = 0; client < 10; client += 1) connect(it);
    expect(it.gateway.isFullFor(ADDRESS)).toBe(false);
  });
});

describe("isFull()", () => {
  test("is true from the configured number of clients on", () => {
    const it = gatewayWorld({ limits: { clientsMax: 2 } });
    connect(it);
    expect(it.gateway.isFull()).toBe(false);
    const { handler } = connect(it);
    expect(it.gateway.isFull()).toBe(true);
    handler.close(1001, "");
    expect(it.gateway.isFull()).toBe(false);
  });
});
