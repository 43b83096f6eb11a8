import { expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { addDevice, type DeviceCredentials } from "../support/cli.ts";
import { Nginx } from "../support/nginx.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(2 * BLACK_BOX_TIMEOUT_MS);

/** The longest a poll may ask for, and still under the 60 s after which nginx gives up. */
const WAIT_SECONDS = 50;

interface Held {
  readonly status: number;
  readonly tookSeconds: number;
  readonly serverTime: number;
}

/** One way from a terminal to a server. */
interface Way {
  readonly name: string;
  readonly url: string;
  readonly device: DeviceCredentials;
  readonly ca?: string;
}

// All at once: each takes as long as it holds, and holding costs nothing.
test("a poll is held for 50 s by every target, directly and through nginx, and ends with 204", async () => {
  await using scope = new AsyncDisposableStack();
  const ways = (await Promise.all(TARGETS.map((target) => openWays(target, scope)))).flat();
  const held = await Promise.all(ways.map((way) => poll(way)));
  for (const [index, { status, tookSeconds, serverTime }] of held.entries()) {
    const way = ways[index]?.name;
    expect({ way, status }).toEqual({ way, status: 204 });
    expect({ way, inTime: tookSeconds >= WAIT_SECONDS - 1 && tookSeconds < 58 }).toEqual({
      way,
      inTime: true,
    });
    expect(Math.abs(serverTime - Date.now())).toBeLessThan(10_000);
  }
});

async function openWays(target: Target, scope: AsyncDisposableStack): Promise<readonly Way[]> {
  const workspace = scope.use(await Workspace.make());
  const config = { api: { keys: [BACKEND_KEY] } };
  const server = scope.use(await startPosthorn(target, { workspace, config }));
  const { ca, cert, key } = await makeCertificateFiles(target, workspace);
  const nginx = scope.use(
    await Nginx.start(
      workspace,
      (front) => `
server {
  listen 127.0.0.1:${front} ssl;
  ssl_certificate ${cert};
  ssl_certificate_key ${key};
  location / {
    proxy_pass http://127.0.0.1:${server.port};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
  }
}`,
    ),
  );
  const [direct, proxied] = await Promise.all([
    addDevice(target, workspace, "direct"),
    addDevice(target, workspace, "proxied"),
  ]);
  const behind = `https://127.0.0.1:${nginx.port}`;
  // That the way carries commands at all is seen first, before anything waits for nothing.
  const backend = new Backend(server.url);
  const ways: readonly Way[] = [
    { name: `${target.name} directly`, url: server.url, device: direct },
    { name: `${target.name} behind nginx`, url: behind, device: proxied, ca },
  ];
  for (const way of ways) {
    const waiting = fetchCommands(way, WAIT_SECONDS);
    await backend.post(`/v1/devices/${way.device.id}/commands`, '{"type":"ring"}');
    const answer = await waiting;
    expect(answer.status).toBe(200);
    const [command] = (await answer.json()).commands;
    expect(command.type).toBe("ring");
    const result = await ask(way, `/commands/${command.id}/result`, '{"ok":true}');
    expect(result.status).toBe(200);
  }
  return ways;
}

async function poll(way: Way): Promise<Held> {
  const startedAt = performance.now();
  const answer = await fetchCommands(way, WAIT_SECONDS);
  await answer.arrayBuffer();
  return {
    status: answer.status,
    tookSeconds: (performance.now() - startedAt) / 1000,
    serverTime: Number(answer.headers.get("server-time")),
  };
}

function fetchCommands(way: Way, waitSeconds: number): Promise<Response> {
  return ask(way, `/commands?wait=${waitSeconds}`);
}

function ask({ url, device, ca }: Way, path: string, body?: string): Promise<Response> {
  return fetch(`${url}/v1/devices/${device.id}${path}`, {
    headers: { authorization: `Bearer ${device.secret}` },
    ...(body !== undefined && { method: "POST", body }),
    ...(ca !== undefined && { tls: { ca } }),
  });
}
