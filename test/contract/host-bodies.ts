import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import type { HostUnderTest } from "./host.ts";
import { RawSocket } from "./host-clients.ts";
import type { HostProcess } from "./host-process.ts";

/** Far above what the buffers between two processes take. */
const MUCH_BYTES = 64 * 1024 * 1024;

/** The promises of `RequestInfo.holdOpen`, as tests over real sockets. */
export function describeHeldBodies({ name, capabilities, start }: HostUnderTest): void {
  let server: HostProcess;

  beforeEach(async () => {
    server = await start({ hostname: "127.0.0.1" });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  const open = (id: string, kind: string) =>
    RawSocket.ask(server.port, [`GET /body-held?id=${id}&kind=${kind} HTTP/1.1`, "Host: x"]);
  const pulledBytes = async (id: string) => Number(await server.run({ do: "pulled-bytes", id }));

  /** A reader for whom the buffers are full: another one has read much since it stopped. */
  async function openStalled(id: string): Promise<RawSocket> {
    const stalled = await open(id, "endless");
    stalled.pause();
    const url = `http://127.0.0.1:${server.port}/body-held?id=healthy&kind=endless`;
    let readBytes = 0;
    for await (const chunk of (await fetch(url)).body ?? []) {
      readBytes += chunk.byteLength;
      if (readBytes > MUCH_BYTES) break;
    }
    return stalled;
  }

  describe(`Host contract for held responses: ${name}`, () => {
    test("the first chunk arrives while the body goes on", async () => {
      using socket = await open("a", "silent");
      await socket.received((bytes) => bytes.includes("here\n"), "the first chunk");
      await server.run({ do: "end-body", id: "a", kind: "silent" });
      await socket.received((bytes) => bytes.endsWith("0\r\n\r\n"), "the end of the body");
      expect(await server.all("cancel")).toEqual([]);
    });

    test("a reader that stalls is not asked for, while another one is served", async () => {
      using _stalled = await openStalled("stalled");
      expect(await pulledBytes("healthy")).toBeGreaterThan(MUCH_BYTES);
      expect(await pulledBytes("stalled")).toBeLessThan(MUCH_BYTES / 4);
    });

    test("a reader that leaves is told, once, also when the body was silent", async () => {
      const socket = await open("a", "silent");
      await socket.received((bytes) => bytes.includes("here\n"), "the first chunk");
      socket[Symbol.dispose]();
      await server.event("cancel", "a");
      await server.run({ do: "end-body", id: "b", kind: "silent" });
      expect(await server.all("cancel")).toHaveLength(1);
    });

    test("a reader that left before the response was there is told too", async () => {
      const early = await RawConnection.open(server.port);
      early.write(rawRequest(["GET /body-late?id=a&kind=silent HTTP/1.1", "Host: x"]));
      await server.told.find(({ url }) => String(url).includes("/body-late"), {
        what: "the request",
      });
      early[Symbol.dispose]();
      await server.run({ do: "release" });
      await server.event("cancel", "a");
    });

    test("stop() waits until the body has ended", async () => {
      using socket = await open("a", "silent");
      await socket.received((bytes) => bytes.includes("here\n"), "the first chunk");
      const stopped = server.run({ do: "stop" });
      expect((await server.all("done")).length).toBe(1); // that of the question itself
      await server.run({ do: "end-body", id: "a", kind: "silent" });
      await socket.received((bytes) => bytes.endsWith("0\r\n\r\n"), "the end of the body");
      expect(await stopped).toBe(server.port);
    });

    if (capabilities.hardTerminate) {
      test("a reader that takes nothing once the end is near is cut off", async () => {
        using _stalled = await openStalled("a");
        await server.run({ do: "end-body", id: "a", kind: "endless" });
        await server.event("cancel", "a");
      });
    }
  });
}
