import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { diagnose } from "../support/doctor.ts";
import { Nginx } from "../support/nginx.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";
import { dns, type Issued, issue, NOW } from "../unit/tls/issue.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** `issue` counts its days from a fixed one. */
const TODAY = Math.floor((Date.now() - NOW.getTime()) / (24 * 60 * 60 * 1000));

const root = await make("Shop Root", { ca: true });
const middle = await make("Shop Middle", { ca: true, issuer: root });
const leaf = await make("localhost", { issuer: middle, names: dns("localhost") });
const other = await make("other", { issuer: middle, names: dns("other.example.com") });
const lone = await make("localhost", { names: dns("localhost") });
const expired = await make("localhost", {
  issuer: middle,
  names: dns("localhost"),
  fromDay: TODAY - 20,
  toDay: TODAY - 10,
});

function make(name: string, options: Omit<Parameters<typeof issue>[0], "name">): Promise<Issued> {
  return issue({ name, fromDay: TODAY - 20, toDay: TODAY + 100, ...options });
}

describe.each(TARGETS)("posthorn doctor on $name looks at TLS", (target) => {
  test.each([
    ["a full chain", leaf, [middle], []],
    ["a missing intermediate", leaf, [], ["chain_incomplete"]],
    ["another name", other, [middle], ["name_uncovered"]],
    ["a self-signed certificate", lone, [], ["certificate_self_signed"]],
  ] as const)("of a server with %s", async (_, ...[own, issuers, ills]) => {
    await using workspace = await Workspace.make();
    const chain = [own, ...issuers].map(({ cert }) => cert).join("");
    const cert = await workspace.write("cert.pem", chain);
    const key = await workspace.write("key.pem", own.key);
    await chmod(key, 0o600);
    await workspace.write("ca.pem", root.cert);
    await using server = await startPosthorn(target, { workspace, config: { tls: { cert, key } } });
    const url = `https://localhost:${server.port}`;
    const diagnosis = await diagnose(target, workspace, [url, "--ca", "ca.pem"]);
    // Whatever is on port 80 of this machine is not ours.
    expect(diagnosis.ills.filter((code) => code !== "plain_open")).toEqual([...ills]);
    expect(diagnosis.exitCode).toBe(ills.length === 0 ? 0 : 1);
    expect(diagnosis.one("tls_versions").values).toEqual({ versions: "TLS 1.2, TLS 1.3" });
    // A phone that minds nothing would get through: only the certificate is in the way.
    expect(diagnosis.one("socket_greeted").severity).toBe("ok");
  });

  test("and tells a private authority from a public one", async () => {
    await using workspace = await Workspace.make();
    const cert = await workspace.write("cert.pem", leaf.cert + middle.cert);
    const key = await workspace.write("key.pem", leaf.key);
    await using server = await startPosthorn(target, { workspace, config: { tls: { cert, key } } });
    const diagnosis = await diagnose(target, workspace, [`https://localhost:${server.port}`]);
    expect(diagnosis.ills).toContain("root_unknown");
    expect(diagnosis.one("root_unknown").values["root"]).toBe("CN=Shop Root");
  });

  test("of a proxy with an expired certificate and old versions", async () => {
    await using site = await startSite(target);
    const { workspace, server } = site;
    const cert = await workspace.write("front.pem", expired.cert + middle.cert);
    const key = await workspace.write("front-key.pem", expired.key);
    const ca = await workspace.write("ca.pem", root.cert);
    await using nginx = await Nginx.start(
      workspace,
      (front) => `
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      server {
        listen 127.0.0.1:${front} ssl;
        ssl_certificate ${cert};
        ssl_certificate_key ${key};
        ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
        ssl_ciphers DEFAULT@SECLEVEL=0;
        location / {
          proxy_pass http://127.0.0.1:${server.port};
          proxy_http_version 1.1;
          proxy_set_header Host $http_host;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
        }
      }`,
    );
    const url = `https://localhost:${nginx.port}`;
    const diagnosis = await diagnose(target, workspace, [url, "--ca", ca]);
    expect(diagnosis.ills).toContain("certificate_expired");
    expect(diagnosis.one("tls_old").values).toEqual({ versions: "TLS 1.0, TLS 1.1" });
    expect(diagnosis.one("tls_versions").values).toEqual({ versions: "TLS 1.0, TLS 1.1, TLS 1.2" });
    expect(diagnosis.one("front_named").values["names"]).toContain("nginx");
  });

  test("of a port that speaks none", async () => {
    await using site = await startSite(target);
    const diagnosis = await diagnose(target, site.workspace, [
      `https://localhost:${site.server.port}`,
    ]);
    expect(diagnosis.exitCode).toBe(1);
    expect(diagnosis.ills).toEqual(expect.arrayContaining(["http_missing", "tls_failed"]));
  });
});
