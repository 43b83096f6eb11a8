import { describe, expect, test } from "bun:test";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import type { HostUnderTest } from "./host.ts";
import type { HostProcess } from "./host-process.ts";

const INFO = rawRequest(["GET /info HTTP/1.1", "Host: x"]);

/** What `Listener.closeIdle` promises. */
export function describeIdle({ name, endsIdle, start }: HostUnderTest): void {
  const started = () => start({ hostname: "127.0.0.1" });

  describe(`Connections that are idle: ${name}`, () => {
    test("end when they are to, where the runtime can, and others come as before", async () => {
      await using server = await started();
      using one = await keptAlive(server);
      using other = await keptAlive(server);
      await server.run({ do: "close-idle" });
      if (endsIdle) {
        await Promise.all([one.ended(), other.ended()]);
      } else {
        one.write(INFO);
        await expectRequests(server, 3);
      }
      using next = await keptAlive(server);
      expect((await next.answer()).status).toBe(200);
      expect(server.stderr).toBe("");
    });

    test("are none on which a request runs, its body comes or a socket is open", async () => {
      await using server = await started();
      using socket = await server.connect("a");
      using running = await RawConnection.open(server.port);
      running.write(rawRequest(["GET /hold HTTP/1.1", "Host: x"]));
      using posting = await RawConnection.open(server.port);
      const head = ["POST /body HTTP/1.1", "Host: x", "Content-Length: 6"];
      posting.write(rawRequest(head, "abc"));
      await expectRequests(server, 3);
      await server.run({ do: "close-idle" });
      posting.write("def");
      expect(JSON.parse((await posting.answer()).body)).toEqual({ length: 6 });
      await server.run({ do: "release" });
      expect((await running.answer()).body).toBe("held until released");
      socket.send("echo still here");
      await socket.frames.find((frame) => frame === "still here", { what: "the echo" });
      expect(await server.run({ do: "open-sockets" })).toBe(1);
    });
  });
}

/** A connection that has been used once and could be again. */
async function keptAlive({ port }: HostProcess): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  connection.write(INFO);
  await connection.answer();
  return connection;
}

/** Waits until the server was asked so often. */
async function expectRequests(server: HostProcess, count: number): Promise<void> {
  const isLast = () => server.told.items.filter(({ kind }) => kind === "request").length >= count;
  await server.told.find(isLast, { what: `request ${count}` });
}
