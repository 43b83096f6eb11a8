import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const OPEN_FILES_MAX = 200;
const CONNECTIONS = 400;

/** The same target as a process that may open few files. */
function short({ command, ...target }: Target): Target {
  return {
    ...target,
    command: ["/bin/sh", "-c", `ulimit -n ${OPEN_FILES_MAX}; exec "$0" "$@"`, ...command],
  };
}

describe.each(TARGETS)(
  "more connections than the process of $name may have open files",
  (target) => {
    test("are kept out without a spin; who is there goes on, and others come in when there is room", async () => {
      await using server = await startPosthorn(short(target), {
        config: { channels: { news: { allow_subscribe: true }, device: {} } },
      });
      expect(server.logged("limits.fitted")).toMatchObject([{ openFilesMax: OPEN_FILES_MAX }]);
      using client = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, {
        pongs: true,
      });
      await client.command({ connect: { token: signToken({ sub: "u" }) } });
      const crowd = Array.from({ length: CONNECTIONS }, () => silent(server.port));
      await server.waitForLog("connections.full");
      const before = await cpuMs(server.pid);
      for (let asked = 0; asked < 40; asked += 1) {
        const { subscribe } = await client.command({ subscribe: { channel: `news:${asked}` } });
        expect(subscribe).toEqual({});
        await Bun.sleep(25);
      }
      expect((await cpuMs(server.pid)) - before).toBeLessThan(300);
      for (const it of crowd) it.destroy();
      await server.waitForLog("connections.room");
      const ready = await eventually(async () => {
        const answer = await fetch(`${server.url}/readyz`).catch(() => undefined);
        return answer?.status;
      }, "an answer to somebody new");
      expect(ready).toBe(200);
      using late = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
      late.send(JSON.stringify({ id: 1, connect: { token: signToken({ sub: "v" }) } }));
      expect((await late.reply(1)).connect).toBeDefined();
      const { subscribe } = await client.command({ subscribe: { channel: "news:last" } });
      expect(subscribe).toEqual({});
      expect(await server.stop()).toBe(0);
    });
  },
);

describe.each(TARGETS)("as many clients at $name as files allow", (target) => {
  test("are let in, one more is told 503, and what keeps its connection without a use loses it", async () => {
    await using server = await startPosthorn(short(target));
    using crowd = new DisposableStack();
    const refused = await eventually(async () => {
      const { status, socket } = await RawWebsocket.open({ port: server.port, path: "/login" });
      crowd.use(socket);
      return status === 101 ? undefined : status;
    }, "a refusal");
    expect(refused).toBe(503);
    const answer = await fetch(`${server.url}/healthz`);
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
    crowd.dispose();
    await eventually(async () => {
      const healthy = await fetch(`${server.url}/healthz`);
      return healthy.headers.get("connection") === "close" ? undefined : true;
    }, "room again");
    expect(await server.stop()).toBe(0);
  });
});

function silent(port: number): Socket {
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined); // the reset is what happens to it
  return socket;
}

/** The time that the process has had of a processor. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ") ?? [];
  // In hundredths of a second, as the kernel tells it everywhere.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
