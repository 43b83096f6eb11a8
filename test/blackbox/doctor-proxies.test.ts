import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { diagnose } from "../support/doctor.ts";
import { Nginx } from "../support/nginx.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const HTTP11 = "proxy_http_version 1.1;";
const HOST = "proxy_set_header Host $http_host;";
const UPGRADE = "proxy_set_header Upgrade $http_upgrade;";
const CONNECTION = "proxy_set_header Connection $connection_upgrade;";
const GOOD = [HTTP11, HOST, UPGRADE, CONNECTION];

/** What nginx is told, and what the doctor says of it beside that there is no TLS. */
const CASES = [
  ["everything", GOOD, []],
  ["nothing", [HOST], ["socket_refused"]],
  ["only the version", [HOST, HTTP11], ["socket_refused"]],
  ["Upgrade without Connection", [HOST, HTTP11, UPGRADE], ["connection_lost"]],
  ["Connection without Upgrade", [HOST, HTTP11, CONNECTION], ["socket_refused"]],
  ["all but the version", [HOST, UPGRADE, CONNECTION], []],
  ["a constant Connection", [HOST, HTTP11, UPGRADE, "proxy_set_header Connection upgrade;"], []],
  ["no Host", [HTTP11, UPGRADE, CONNECTION], ["host_lost"]],
  [
    "no subprotocol",
    [...GOOD, 'proxy_set_header Sec-WebSocket-Protocol "";'],
    ["subprotocol_lost"],
  ],
] as const;

function front(site: Site, lines: readonly string[], location = "location /"): Promise<Nginx> {
  const http = (port: number) => `
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    server {
      listen 127.0.0.1:${port};
      ${location} { proxy_pass http://127.0.0.1:${site.server.port}; ${lines.join("\n")} }
    }`;
  return Nginx.start(site.workspace, http);
}

describe.each(TARGETS)("posthorn doctor on $name, with nginx in front that", (target) => {
  test.each(CASES)("was told %s", async (_, lines, wanted) => {
    await using site = await startSite(target);
    await using nginx = await front(site, lines);
    const url = `http://localhost:${nginx.port}`;
    const secret = ["--device", "42", "--secret", site.device.secret];
    const diagnosis = await diagnose(target, site.workspace, [url, "--idle", "1s", ...secret]);
    // A runtime that insists on the Connection header refuses what the other lets through.
    const strict = !target.lenientHandshake && wanted.some((code) => code === "connection_lost");
    const ills = strict ? ["socket_refused"] : [...wanted];
    expect(diagnosis.ills).toEqual([...ills, "tls_absent"].sort());
    expect(diagnosis.exitCode).toBe(ills.includes("socket_refused") ? 1 : 0);
    if (ills.includes("socket_refused")) {
      expect(diagnosis.one("socket_refused").remedy).toContain("posthorn proxy nginx");
    }
    // Devices post and poll through any of them.
    expect(diagnosis.one("event_stored").values["offset"]).toBeNumber();
    expect(diagnosis.one("poll_held").values["seconds"]).toBeGreaterThanOrEqual(1);
    expect(diagnosis.one("front_named").values["names"]).toContain("server: nginx");
  });

  test("strips a prefix, or forgets to", async () => {
    await using site = await startSite(target);
    await using forgets = await front(site, GOOD, "location /push/");
    const url = `http://localhost:${forgets.port}/push`;
    const diagnosis = await diagnose(target, site.workspace, [url]);
    expect(diagnosis.ills).toContain("socket_refused");
    const found = diagnosis.one("socket_refused");
    expect(found.values["code"]).toBe("path_unknown");
    expect(found.found).toContain("is your proxy keeping a prefix that it should strip?");
  });

  test("cuts what is silent for 2 s", async () => {
    await using site = await startSite(target);
    await using nginx = await front(site, [...GOOD, "proxy_read_timeout 2s;"]);
    const secret = ["--device", "42", "--secret", site.device.secret];
    const args = [`http://localhost:${nginx.port}`, "--idle", "6s", ...secret];
    const diagnosis = await diagnose(target, site.workspace, args);
    expect(diagnosis.exitCode).toBe(1);
    expect(diagnosis.ills).toEqual(["idle_cut", "poll_cut", "tls_absent"]);
    const { values } = diagnosis.one("idle_cut");
    expect(Number(values["silence"])).toBeWithin(1.5, 4);
    expect(values["whose"]).toBe("idle_own");
    expect(diagnosis.one("poll_cut").values).toMatchObject({ status: 504, wanted: 6 });
  });

  test("knows nothing of Posthorn", async () => {
    await using site = await startSite(target);
    const page = "<html><head><title>Welcome to the shop</title></head></html>";
    await using nginx = await Nginx.start(
      site.workspace,
      (port) => `server {
        listen 127.0.0.1:${port};
        location / { default_type text/html; return 200 '${page}'; }
      }`,
    );
    const diagnosis = await diagnose(target, site.workspace, [`http://localhost:${nginx.port}`]);
    expect(diagnosis.exitCode).toBe(1);
    expect(diagnosis.ills).toEqual(["posthorn_missing", "socket_blocked", "tls_absent"]);
    expect(diagnosis.one("posthorn_missing").found).toContain("Welcome to the shop");
  });

  test("has its backend away", async () => {
    await using site = await startSite(target);
    await using nginx = await front(site, GOOD);
    await site.server.stop();
    const diagnosis = await diagnose(target, site.workspace, [`http://localhost:${nginx.port}`]);
    expect(diagnosis.one("posthorn_missing").values).toMatchObject({
      status: 502,
      page: "502 Bad Gateway",
    });
  });
});
