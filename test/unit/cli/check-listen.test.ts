import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { probeListen } from "../../../src/cli/check-listen.ts";
import type { Config } from "../../../src/config/config.ts";

const HOST = "127.0.0.1";

/** Something that takes connections and says nothing, as devices_port does to who has no certificate. */
async function silent(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ host: HOST, port: 0 }, resolve);
  await promise;
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

async function found(port: number, devicesPort: number) {
  const server = { host: HOST, port, devicesPort } as Config["server"];
  const findings = await probeListen({ server } as Config);
  return findings.map(({ status }) => status);
}

test("probeListen() takes whatever is at devices_port for Posthorn where server.port is Posthorn's", async () => {
  await using devices = await silent();
  using own = Bun.serve({
    port: 0,
    hostname: HOST,
    fetch: () => Response.json({ status: "ok", server_time: 1 }),
  });
  expect(await found(Number(own.port), devices.port)).toEqual(["ok", "ok"]);
});

test("probeListen() warns of devices_port where server.port is somebody else's, or nobody's", async () => {
  await using devices = await silent();
  await using other = await silent();
  expect(await found(other.port, devices.port)).toEqual(["warn", "warn"]);
  expect(await found(0, devices.port)).toEqual(["ok", "warn"]);
});
