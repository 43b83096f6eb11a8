import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { runCli } from "../support/cli.ts";
import { Device, FIRST_OFFSET } from "../support/device.ts";
import { TestEventSource } from "../support/event-source.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { Inbox } from "../support/inbox.ts";
import { Nginx } from "../support/nginx.ts";
import { type ConfigSections, startPosthorn } from "../support/posthorn.ts";
import { PRINTED_URL, startPrintedNginx } from "../support/printed-nginx.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const FORGED = {
  "x-forwarded-for": "6.6.6.6",
  forwarded: "for=6.6.6.6",
  "x-real-ip": "6.6.6.6",
};

function startBehind(target: Target, publicUrl: string, more: ConfigSections = {}): Promise<Site> {
  const server = {
    host: "127.0.0.1",
    public_url: publicUrl,
    trusted_proxies: ["127.0.0.1", "::1"],
  };
  return startSite(target, { config: { server, api: { keys: [BACKEND_KEY] }, ...more } });
}

function loginPath(user = "anna"): string {
  return `/login?token=${signToken({ sub: user, devices: ["42"] })}`;
}

describe.each(TARGETS)("posthorn proxy nginx on $name prints what", (target) => {
  test("carries wss and the posts of devices", async () => {
    await using site = await startBehind(target, PRINTED_URL.https);
    const { ca, ...tls } = await makeCertificateFiles(target, site.workspace);
    await using nginx = await startPrintedNginx(target, site.server, tls);
    const front = `127.0.0.1:${nginx.port}`;
    using client = new CentrifugeClient(`wss://${front}`, {
      ca,
      token: signToken({ sub: "anna", devices: ["42"] }),
    });
    client.connect();
    await client.subscribe("device:42");
    using page = await FrameSocket.open(`wss://${front}${loginPath()}`, { ca });
    await page.line(({ push }) => push?.connect !== undefined, "the connect push");
    const device = new Device(`https://${front}`, site.device, ca);
    // Above what nginx takes by itself.
    const lines = Array.from({ length: 40 }, () => {
      return JSON.stringify({ type: "t", data: "x".repeat(50_000) });
    });
    const { status } = await device.postRaw(lines.join("\n"), {
      "content-type": "application/x-ndjson",
    });
    expect(status).toBe(200);
    await client.publications.find(({ offset }) => offset === FIRST_OFFSET, { what: "the event" });
    const oddities = [
      ...site.server.logged("handshake.failed"),
      ...site.server.logged("handshake.odd"),
      ...site.server.logged("proxy.odd"),
    ];
    expect(oddities).toEqual([]);
  });

  test("holds polls and passes streams on at once", async () => {
    await using site = await startBehind(target, PRINTED_URL.http);
    await using nginx = await startPrintedNginx(target, site.server);
    const front = `http://127.0.0.1:${nginx.port}`;
    const startedMs = performance.now();
    const poll = await fetch(`${front}/v1/devices/42/commands?wait=2`, {
      headers: { authorization: `Bearer ${site.device.secret}` },
    });
    expect(poll.status).toBe(204);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_900);

    const connect = JSON.stringify({ token: signToken({ sub: "anna", channels: ["device:42"] }) });
    const query = `cf_connect=${encodeURIComponent(connect)}`;
    const heard = new Inbox<string>();
    const source = new TestEventSource(`${front}/connection/uni_sse?${query}`);
    source.onmessage = ({ data }) => heard.push(data);
    await heard.find((data) => data.includes('"connect"'), { what: "the connect push" });
    await new Device(front, site.device).post({ type: "t", data: "canary" });
    await heard.find((data) => data.includes("canary"), { what: "the event" });
    source.close();

    const stream = await fetch(`${front}/v1/devices/42/commands/stream`, {
      headers: { authorization: `Bearer ${site.device.secret}`, accept: "text/event-stream" },
    });
    expect(stream.status).toBe(200);
    const reader = stream.body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
    await reader?.cancel();
  });

  test("shows the addresses of clients, of which none can be chosen", async () => {
    const limits = { connections_per_address_burst: 2, connections_per_address_per_second: 1 };
    await using site = await startBehind(target, PRINTED_URL.http, { limits });
    await using nginx = await startPrintedNginx(target, site.server);
    const { port } = nginx;
    using open = new DisposableStack();
    const statuses: number[] = [];
    for (const from of ["127.0.0.8", "127.0.0.8", "127.0.0.8", "127.0.0.9"]) {
      const { status, socket } = await RawWebsocket.open({ port, path: loginPath(), from });
      open.use(socket);
      statuses.push(status);
    }
    expect(statuses).toEqual([101, 101, 429, 101]);
    await site.server.waitForLog("client.connected", (it) => it["address"] === "127.0.0.8");
    await site.server.waitForLog("client.connected", (it) => it["address"] === "127.0.0.9");

    const options = { headers: FORGED };
    using _forger = await FrameSocket.open(`ws://127.0.0.1:${port}${loginPath("forger")}`, options);
    const line = await site.server.waitForLog("client.connected", ({ user }) => user === "forger");
    expect(line["address"]).toBe("127.0.0.1");
    expect(site.server.output).not.toContain("6.6.6.6");
  });

  test("has tickets name its scheme, where there is no public_url", async () => {
    await using site = await startBehind(target, PRINTED_URL.https);
    const { ca, ...tls } = await makeCertificateFiles(target, site.workspace);
    await using nginx = await startPrintedNginx(target, site.server, tls);
    const config = {
      server: { host: "127.0.0.1", trusted_proxies: ["127.0.0.1"] },
      api: { keys: [BACKEND_KEY] },
    };
    await site.server.stop();
    await using workspace = await Workspace.make();
    const { port } = site.server;
    await using _again = await startPosthorn(target, { workspace, port, config });
    const url = `https://localhost:${nginx.port}`;
    const answer = await fetch(`${url}/v1/tickets`, {
      method: "POST",
      headers: { "x-api-key": BACKEND_KEY },
      body: '{"user":"anna"}',
      tls: { ca },
    });
    expect((await answer.json()).url).toStartWith(`wss://localhost:${nginx.port}/login?ticket=`);
  });

  test("is never printed of what is wrong", async () => {
    await using workspace = await Workspace.make();
    const wrong = [
      [["proxy"], "nginx, caddy, apache"],
      [["proxy", "squid"], "known are nginx, caddy, apache"],
      [["proxy", "nginx", "--cert", "c"], "--key"],
      [["proxy", "nginx", "--upstream", "a;b:1"], "10.0.0.2:8077"],
      [["proxy", "nginx", "--from", "here"], "10.0.0.1"],
    ] as const;
    for (const [args, says] of wrong) {
      const { code, stdout, stderr } = await runCli(target, args, { workspace });
      expect([args, code, stdout, stderr.includes(says)]).toEqual([args, 2, "", true]);
    }
  });
});

const HTTP11 = "proxy_http_version 1.1;";
const HOST = "proxy_set_header Host $http_host;";

/** Looks like whoever asks on this machine itself: only `server.trusted_proxies` tells it apart. */
const SILENT = [
  "the version and no Connection",
  [HTTP11, 'proxy_set_header Connection "";'],
] as const;

/** nginx on this machine, told more or less; each lends its address to whoever asks it. */
const LENDERS = [
  ["nothing", []],
  ["the Host", [HOST]],
  ["the version and the Host", [HTTP11, HOST, 'proxy_set_header Connection "";']],
  ["a constant Connection", [HTTP11, "proxy_set_header Connection upgrade;"]],
  ["X-Forwarded-For", [HTTP11, "proxy_set_header X-Forwarded-For $remote_addr;"]],
  ["X-Real-IP", [HTTP11, "proxy_set_header X-Real-IP $remote_addr;"]],
  ["the blog post's X-Real_IP", [HTTP11, "proxy_set_header X-Real_IP $remote_addr;"]],
] as const;

describe.each(TARGETS)("what only this machine itself may on $name", (target) => {
  test.each([
    { trusted_proxies: [], lenders: LENDERS, direct: [200, 200] as number[] },
    {
      trusted_proxies: ["127.0.0.1"],
      lenders: [...LENDERS, SILENT],
      direct: [401, 403] as number[],
    },
  ])("nobody may through an nginx on it, of which $trusted_proxies is trusted", async (it) => {
    await using server = await startPosthorn(target, {
      args: ["--dev"],
      config: { server: { trusted_proxies: it.trusted_proxies } },
    });
    await using nginx = await Nginx.start(server.workspace, (port) =>
      it.lenders
        .map(
          ([, lines], index) => `server {
            listen 127.0.0.1:${port};
            server_name lender${index};
            location / { proxy_pass http://127.0.0.1:${server.port}; ${lines.join(" ")} }
          }`,
        )
        .join("\n"),
    );
    const statuses = async (url: string, host?: string) => {
      const asking = new Backend(url, { "x-api-key": "dev", ...(host !== undefined && { host }) });
      const [info, metrics] = [await asking.post("/api/info", "{}"), await asking.get("/metrics")];
      return [info.status, metrics.status];
    };
    for (const [index, [what]] of it.lenders.entries()) {
      const through = await statuses(`http://127.0.0.1:${nginx.port}`, `lender${index}`);
      expect([what, ...through]).toEqual([what, 401, 403]);
    }
    expect(await statuses(server.url)).toEqual(it.direct);
  });
});
