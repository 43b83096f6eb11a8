import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { Device, FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { Nginx } from "../support/nginx.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/**
 * The configuration of the blog post Posthorn comes from, with its `X-Real_IP`, its port in
 * `X-Forwarded-For` and its constant `Connection upgrade`. Changed is only what has to be: the
 * ports, the paths, and `ssl on`, which nginx gave up for `listen … ssl`.
 */
function seedConfig(ports: { readonly front: number; readonly back: number }, tls: Tls): string {
  return `
upstream wss_svr {
    server 127.0.0.1:${ports.back} weight=1;
}

server {
    listen       127.0.0.1:${ports.front} ssl;
    server_name  test.ws.com;   #测试用,换为自己的域名

    ssl_certificate ${tls.cert};
    ssl_certificate_key ${tls.key};

    ssl_session_cache shared:SSL:1m;
    ssl_session_timeout  10m;
    ssl_ciphers HIGH:!aNULL:!MD5;
    ssl_prefer_server_ciphers on;

    location / {
        proxy_redirect off;
        proxy_pass http://wss_svr;
        proxy_set_header Host $host;
        proxy_set_header X-Real_IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr:$remote_port;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;   # 升级协议头
        proxy_set_header Connection upgrade;	#注意这里
    }
}`;
}

interface Tls {
  readonly cert: string;
  readonly key: string;
}

describe.each(TARGETS)("the blog post's nginx in front of $name", (target) => {
  test("carries wss, both paths, and the devices' posts", async () => {
    await using site = await startSite(target);
    const { ca, ...tls } = await makeCertificateFiles(target, site.workspace);
    await using nginx = await Nginx.start(site.workspace, (front) =>
      seedConfig({ front, back: site.server.port }, tls),
    );
    const front = `127.0.0.1:${nginx.port}`;
    const token = signToken({ sub: "u", devices: ["42"] });

    // var wss = new WebSocket("wss://test.ws.com/login")
    using visitor = await FrameSocket.open(`wss://${front}/login`, { ca });
    visitor.send("hi");
    await visitor.frames.find((frame) => frame === "reply", { what: "the answer to hi" });

    using page = await FrameSocket.open(`wss://${front}/login?token=${token}`, { ca });
    await page.line(({ push }) => push?.connect !== undefined, "the connect push");
    using client = new CentrifugeClient(`wss://${front}`, { token, ca });
    client.connect();
    await client.subscribe("device:42");

    const device = new Device(`https://${front}`, site.device, ca);
    const answer = await device.post({ id: "a", type: "t", data: { through: "nginx" } });
    expect(answer.results).toEqual([{ id: "a", offset: FIRST_OFFSET }]);
    await page.publication("device:42", FIRST_OFFSET);
    await client.publications.find(({ offset }) => offset === FIRST_OFFSET, { what: "the event" });

    // The blog post's server breaks when the client is not using the websocket protocol; so may a browser.
    const opened = await fetch(`https://${front}/healthz`, { tls: { ca } });
    expect(opened.status).toBe(200);
    expect(site.server.logged("handshake.failed")).toEqual([]);
  });

  test("told nothing about websockets, gets the missing lines named", async () => {
    await using site = await startSite(target);
    const bare = (front: number) => `server {
      listen 127.0.0.1:${front};
      location / { proxy_pass http://127.0.0.1:${site.server.port}; }
    }`;
    await using nginx = await Nginx.start(site.workspace, bare);
    await expect(FrameSocket.open(`ws://127.0.0.1:${nginx.port}/login`)).rejects.toThrow();
    const line = await site.server.waitForLog("handshake.failed");
    expect(JSON.stringify(line)).toContain("proxy_http_version 1.1");
    expect(JSON.stringify(line)).toContain("proxy_set_header Upgrade $http_upgrade");
  });
});
