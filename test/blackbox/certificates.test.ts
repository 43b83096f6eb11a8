import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import { addDevice, runCli } from "../support/cli.ts";
import { makeDeviceCertificates } from "../support/device-certificates.ts";
import { configure, startPosthorn } from "../support/posthorn.ts";
import { RenewedFiles, renewal } from "../support/renewals.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { askTls, namesShown } from "../support/tls-client.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DAY_MS = 24 * 60 * 60 * 1000;

describe.each(TARGETS)("certificates on $name", (target) => {
  test("are chosen by the name that is asked for, where the runtime can", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    const shop = new RenewedFiles(workspace, "shop");
    await files.renew(["localhost"]);
    await shop.renew(["shop.test", "*.shop.test"]);
    const certificates = { shop: { cert: shop.cert, key: shop.key } };
    const config = { tls: { cert: files.cert, key: files.key }, certificates };
    if (!target.fullTls) {
      await configure(workspace, config);
      const { code, stdout, stderr } = await runCli(target, ["serve", "--port", "0"], {
        workspace,
      });
      expect(code).toBe(1);
      expect(stdout + stderr).toContain("use the executable");
      return;
    }
    await using server = await startPosthorn(target, { workspace, config });
    const { port } = server;
    const shown = async (name: string) => (await namesShown({ port, name }))[0];
    expect(await shown("")).toBe("localhost");
    expect(await shown("elsewhere.test")).toBe("localhost");
    expect(await shown("shop.test")).toBe("shop.test");
    expect(await shown("cn.shop.test")).toBe("shop.test");
    const from = server.logs.items.length;
    await shop.renew(["new.test", "shop.test"]);
    await renewal(server, from);
    expect(await shown("shop.test")).toBe("new.test");
    expect(await shown("cn.shop.test")).toBe("localhost");
  });

  test("are all looked at by check; a start does without another one that is of no use, and takes it later", async () => {
    await using workspace = await Workspace.make();
    const [files, shop] = [new RenewedFiles(workspace), new RenewedFiles(workspace, "shop")];
    await files.renew(["localhost"]);
    await shop.renew(["shop.test"]);
    await shop.putKey((await makeCertificates({ hosts: ["x.test"], now: new Date() })).key);
    const certificates = { shop: { cert: shop.cert, key: shop.key } };
    const config = { tls: { cert: files.cert, key: files.key }, certificates };
    await configure(workspace, config);
    const checked = await runCli(target, ["check"], { workspace });
    expect(checked.code).toBe(1);
    const said = "certificates.shop.key does not belong to the certificate";
    expect(checked.stdout + checked.stderr).toContain(said);
    if (!target.fullTls) {
      const { code, stdout, stderr } = await runCli(target, ["serve", "--port", "0"], {
        workspace,
      });
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("use the executable")]);
      return;
    }
    await using server = await startPosthorn(target, { workspace, config });
    const { port } = server;
    const told = server.logged("tls.finding").find(({ level }) => level === "error");
    expect(told).toMatchObject({ certificate: "certificates.shop", file: shop.key });
    expect(await namesShown({ port, name: "shop.test" })).toEqual(["localhost"]);
    const status = await runCli(target, ["status"], { workspace });
    expect(status.stdout).toContain("certificate certificates.shop: what is there now cannot be");
    const from = server.logs.items.length;
    await shop.renew(["shop.test"]);
    await renewal(server, from);
    expect(await namesShown({ port, name: "shop.test" })).toEqual(["shop.test"]);
    expect((await runCli(target, ["status"], { workspace })).stdout).not.toContain("certificates");
  });

  test("stay in service when what takes their place is of no use, which is told once", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost", "first.test"]);
    const config = { tls: { cert: files.cert, key: files.key } };
    await using server = await startPosthorn(target, { workspace, config });
    const { port } = server;
    const old = new Date(Date.now() - 100 * DAY_MS);
    await files.renew(["localhost", "expired.test"], { now: old, leaf: 10 });
    const line = await server.waitForLog("tls.reload_failed");
    expect(line).toMatchObject({ level: "error", certificate: "tls" });
    expect(line["detail"]).toContain("expired");
    expect(await namesShown({ port })).toContain("first.test");
    const from = server.logs.items.length;
    await files.renew(["localhost", "second.test"]);
    await renewal(server, from);
    expect(await namesShown({ port })).toContain("second.test");
    expect(server.logged("tls.reload_failed")).toHaveLength(1);
  });

  test("may come in two halves: nobody is alarmed", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost", "first.test"]);
    const config = { tls: { cert: files.cert, key: files.key }, log: { level: "debug" } };
    await using server = await startPosthorn(target, { workspace, config });
    const next = await makeCertificates({ hosts: ["localhost", "next.test"], now: new Date() });
    const from = server.logs.items.length;
    await files.putCert(next.cert);
    await server.waitForLog("tls.incomplete");
    await files.putKey(next.key);
    await renewal(server, from);
    expect(await namesShown({ port: server.port })).toContain("next.test");
    expect(server.logged("tls.reload_failed")).toEqual([]);
  });

  test("are followed where links are swapped instead of files, as in Kubernetes", async () => {
    await using workspace = await Workspace.make();
    for (const name of ["one", "two"]) {
      await mkdir(workspace.file(name));
      const made = await makeCertificates({
        hosts: ["localhost", `${name}.test`],
        now: new Date(),
      });
      await workspace.write(`${name}/tls.crt`, made.cert);
      await workspace.write(`${name}/tls.key`, made.key);
    }
    await symlink("one", workspace.file("..data"));
    for (const name of ["tls.crt", "tls.key"]) {
      await symlink(`..data/${name}`, workspace.file(name));
    }
    const config = { tls: { cert: workspace.file("tls.crt"), key: workspace.file("tls.key") } };
    await using server = await startPosthorn(target, { workspace, config });
    expect(await namesShown({ port: server.port })).toContain("one.test");
    const from = server.logs.items.length;
    await symlink("two", workspace.file("..data_tmp"));
    await rename(workspace.file("..data_tmp"), workspace.file("..data"));
    await renewal(server, from);
    expect(await namesShown({ port: server.port })).toContain("two.test");
  });

  test("are looked at again at SIGHUP, and what is wrong is told again", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    const { key } = await files.renew(["localhost"]);
    const config = { tls: { cert: files.cert, key: files.key } };
    await using server = await startPosthorn(target, { workspace, config });
    await rm(files.key);
    await server.waitForLog("tls.reload_failed");
    const from = server.logs.items.length;
    process.kill(server.pid, "SIGHUP");
    const first = await server.waitForLog("tls.incomplete", () => true, from);
    expect(first).toMatchObject({ level: "warn", certificate: "tls" });
    const line = await server.waitForLog("tls.reload_failed", () => true, from);
    expect(line["detail"]).toContain("there is no such file");
    expect(line["remedy"]).toContain("tls.key");
    expect(await namesShown({ port: server.port })).toContain("localhost");
    await files.putKey(key);
    expect(await server.waitForLog("tls.recovered")).toMatchObject({ certificate: "tls" });
  });

  test("are for TLS 1.3 only when that is wanted, where the runtime can", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost"]);
    const config = { tls: { cert: files.cert, key: files.key, min_version: "1.3" } };
    if (!target.fullTls) {
      await configure(workspace, config);
      const { code, stdout, stderr } = await runCli(target, ["serve", "--port", "0"], {
        workspace,
      });
      expect(code).toBe(1);
      expect(stdout + stderr).toContain("TLS 1.3");
      const checked = await runCli(target, ["check"], { workspace });
      expect([checked.code, checked.stdout]).toEqual([
        1,
        expect.stringContaining("tls.min_version"),
      ]);
      return;
    }
    await using server = await startPosthorn(target, { workspace, config });
    const { port } = server;
    expect((await askTls({ port })).version).toBe("TLSv1.3");
    expect(await namesShown({ port, maxVersion: "TLSv1.2" })).toBe("refused");
  });

  test("of devices are asked for at a port of their own, and nowhere else are devices let in", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost"]);
    const { ca, cert, key } = await makeDeviceCertificates();
    const tls = {
      cert: files.cert,
      key: files.key,
      client_ca: await workspace.write("ca.pem", ca),
    };
    const config = { tls, server: { devices_port: 0 }, devices: { require_certificate: true } };
    if (!target.fullTls) {
      await configure(workspace, config);
      const { code, stdout, stderr } = await runCli(target, ["serve", "--port", "0"], {
        workspace,
      });
      expect(code).toBe(1);
      expect(stdout + stderr).toContain("use the executable");
      return;
    }
    await using server = await startPosthorn(target, { workspace, config });
    const { secret } = await addDevice(target, workspace, "42");
    const devicesPort = Number(server.logged("server.listening")[0]?.["devicesPort"]);
    const path = "/v1/devices/42/state";
    const asking = { path, headers: { authorization: `Bearer ${secret}` } };
    const main = await askTls({ ...asking, port: server.port, cert, key });
    expect([main.status, JSON.parse(main.body).code]).toEqual([403, "certificate_required"]);
    const certified = { ...asking, port: devicesPort, cert, key };
    expect((await askTls(certified)).status).toBe(200);
    expect((await askTls({ ...certified, headers: {} })).status).toBe(401);
    expect((await askTls({ ...certified, path: "/console" })).status).toBe(404);
    expect((await askTls({ ...certified, path: "/healthz" })).status).toBe(200);
    expect(await namesShown({ ...asking, port: devicesPort })).toBe("refused");
    const from = server.logs.items.length;
    await files.renew(["localhost", "renewed.test"]);
    await renewal(server, from);
    expect((await askTls(certified)).names).toContain("renewed.test");
    expect(await namesShown({ ...asking, port: devicesPort })).toBe("refused");
  });
});

describe.each(TARGETS)("the port for plain http on $name", (target) => {
  test("sends everything to https but the questions of balancers", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost"]);
    const tls = { cert: files.cert, key: files.key };
    const config = { tls, server: { http_port: 0 } };
    await using server = await startPosthorn(target, { workspace, config });
    const httpPort = Number(server.logged("server.listening")[0]?.["httpPort"]);
    const plain = `http://localhost:${httpPort}`;
    for (const [path, status] of [
      ["/healthz", 200],
      ["/readyz", 200],
    ] as const) {
      expect((await fetch(plain + path)).status).toBe(status);
    }
    expect((await fetch(`${plain}/.well-known/acme-challenge/unknown`)).status).toBe(404);
    const answer = await fetch(`${plain}/v1/devices/42/events?a=b`, {
      method: "POST",
      redirect: "manual",
    });
    expect(answer.status).toBe(308);
    const wanted = `https://localhost:${server.port}/v1/devices/42/events?a=b`;
    expect(answer.headers.get("location")).toBe(wanted);
  });

  test("is the whole server where the network is trusted", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew(["localhost"]);
    const tls = { cert: files.cert, key: files.key };
    const config = { tls, server: { http_port: 0, http_serves: "everything" } };
    await using server = await startPosthorn(target, { workspace, config });
    const httpPort = Number(server.logged("server.listening")[0]?.["httpPort"]);
    expect((await fetch(`http://127.0.0.1:${httpPort}/openapi.json`)).status).toBe(200);
  });
});
