import { describe, expect, test } from "bun:test";
import type { HostUnderTest } from "./host.ts";
import { RawSocket, rawAnswer } from "./host-clients.ts";
import { HOST_LIMITS } from "./host-wire.ts";

const { frameMaxBytes, backpressureMaxBytes } = HOST_LIMITS;

/** What `Listener.rebound` promises. */
export function describeBounds({ name, start }: HostUnderTest): void {
  const started = () => start({ hostname: "127.0.0.1" });

  describe(`Bounds that change: ${name}`, () => {
    test("are those of a socket that is open, and of one that comes", async () => {
      await using server = await started();
      using open = await server.connect("open");
      const bounds = { frameMaxBytes: 2 * frameMaxBytes, backpressureMaxBytes };
      await server.run({ do: "rebound", bounds });
      using next = await server.connect("next");
      const text = "x".repeat(frameMaxBytes);
      for (const socket of [open, next]) {
        socket.send(`echo ${text}`);
        expect(await socket.frames.find(() => true, { what: "the echo" })).toBe(text);
      }
      await server.run({ do: "rebound", bounds: { frameMaxBytes: 1000, backpressureMaxBytes } });
      for (const socket of [open, next]) {
        socket.send("x".repeat(1001));
        expect((await socket.end()).code).toBe(1009);
      }
    });

    test("cut off a reader that stalls at the new one", async () => {
      await using server = await started();
      using healthy = await server.connect("healthy");
      using stalled = await RawSocket.open(server.port, "stalled");
      await server.event("open", "stalled");
      stalled.pause();
      const bounds = { frameMaxBytes, backpressureMaxBytes: 4 * backpressureMaxBytes };
      await server.run({ do: "rebound", bounds });
      for (const id of ["stalled", "healthy"]) await server.call(id, ["subscribe", "t"]);
      const result = await server.run({ do: "overflow", stalled: "stalled", healthy: "healthy" });
      const { lostWithBytes } = result as { readonly lostWithBytes: number };
      expect(lostWithBytes).toBeGreaterThan(bounds.backpressureMaxBytes);
      expect(await server.event("close", "stalled")).toMatchObject({ code: 1006 });
      expect(healthy.frames.items.length).toBeGreaterThan(0);
    });

    test("leave alone what is subscribed, and requests that run", async () => {
      await using server = await started();
      using socket = await server.connect("a");
      await server.call("a", ["subscribe", "t"]);
      const held = rawAnswer(server.port, ["GET /hold HTTP/1.1", "Host: x"]);
      await server.told.find(({ url }) => String(url).endsWith("/hold"), { what: "the request" });
      await server.run({ do: "rebound", bounds: { frameMaxBytes: 1000, backpressureMaxBytes } });
      await server.run({ do: "publish", topic: "t", text: "still there" });
      await socket.frames.find((frame) => frame === "still there", { what: "the publication" });
      await server.run({ do: "release" });
      expect((await held).body).toBe("held until released");
    });
  });
}
