import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import { makeCertificateFiles, makeNamelessCertificate } from "../support/certificates.ts";
import { addDevice, runCli } from "../support/cli.ts";
import { Device } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { configure, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DAY_MS = 24 * 60 * 60 * 1000;

describe.each(TARGETS)("TLS on $name", (target) => {
  test("speaks https and wss with the files that posthorn cert made, whose authority phones do not know", async () => {
    await using workspace = await Workspace.make();
    const { ca, cert, key } = await makeCertificateFiles(target, workspace);
    const config = { tls: { cert, key }, server: { public_url: "https://localhost" } };
    await using server = await startPosthorn(target, { workspace, config });
    expect(server.url).toStartWith("https://");
    const device = new Device(server.url, await addDevice(target, workspace, "42"), ca);
    const token = signToken({ sub: "u", devices: ["42"] });
    using socket = await FrameSocket.open(`${server.wsUrl}/login?token=${token}`, { ca });
    await socket.line(({ push }) => push?.connect !== undefined, "hello");
    expect((await device.post({ type: "t", data: 1 })).status).toBe(200);
    await socket.publication("device:42", 1);
    const env = { POSTHORN_SERVER__PORT: String(server.port) };
    const { stdout } = await runCli(target, ["check"], { workspace, env });
    expect(stdout).toContain("https and wss: Posthorn runs there");
    expect(server.logged("tls.finding").map(({ code }) => code)).toEqual(["authority_unknown"]);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  test("lets nobody else read the private key that posthorn cert wrote", async () => {
    await using workspace = await Workspace.make();
    const { key } = await makeCertificateFiles(target, workspace);
    expect((await Bun.file(key).stat()).mode & 0o077).toBe(0);
  });

  test("starts, with one warning each, on what only phones refuse", async () => {
    const day = new Date();
    const full = await makeCertificates({ hosts: ["localhost"], now: day });
    const soon = await makeCertificates({
      hosts: ["localhost"],
      now: new Date(day.getTime() - 80 * DAY_MS),
      validDays: { leaf: 90 },
    });
    const nameless = await makeNamelessCertificate();
    const leafOnly = `${full.cert.split("-----END CERTIFICATE-----")[0]}-----END CERTIFICATE-----\n`;
    const cases = [
      { files: { cert: leafOnly, key: full.key }, codes: ["chain_incomplete"] },
      { files: soon, codes: ["authority_unknown", "certificate_expiring"] },
      { files: nameless, codes: ["names_missing", "self_signed"] },
      {
        files: full,
        codes: ["authority_unknown", "host_uncovered"],
        publicUrl: "https://push.example.com",
      },
    ];
    for (const { files, codes, publicUrl = "https://localhost" } of cases) {
      await using workspace = await Workspace.make();
      const config = await tlsConfig(workspace, files, publicUrl);
      await using server = await startPosthorn(target, { workspace, config });
      const findings = server.logged("tls.finding");
      expect(findings.map((line) => line["code"]).sort()).toEqual(codes);
      for (const line of findings) {
        expect(line).toMatchObject({
          level: "warn",
          found: expect.any(String),
          remedy: expect.any(String),
        });
      }
    }
  });

  test("does not start, and says why in one line each, on what no client may accept", async () => {
    const day = new Date();
    const good = await makeCertificates({ hosts: ["localhost"], now: day });
    const other = await makeCertificates({ hosts: ["localhost"], now: day });
    const turned = good.cert
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .reverse()
      .join("");
    const cases = [
      { files: { cert: turned, key: good.key }, code: "chain_order", said: "wrong order" },
      { files: { cert: good.cert, key: other.key }, code: "key_mismatch", said: "does not belong" },
      {
        files: { cert: good.key, key: good.key },
        code: "certificate_missing",
        said: "no certificate",
      },
    ];
    for (const { files, code, said } of cases) {
      await using workspace = await Workspace.make();
      await configure(workspace, await tlsConfig(workspace, files, "https://localhost"));
      const result = await runCli(target, ["serve", "--port", "0"], { workspace });
      expect([code, result.code]).toEqual([code, 1]);
      expect(result.stdout + result.stderr).toContain(code);
      expect(result.stdout + result.stderr).toContain(said);
      const checked = await runCli(target, ["check"], { workspace });
      expect([code, checked.code]).toEqual([code, 1]);
      expect(checked.stdout + checked.stderr).toContain(said);
      expect(checked.stdout + checked.stderr).not.toContain(files.key.split("\n")[1]);
    }
  });

  test("serves on with one that is past its time, and says so: not every client looks at that", async () => {
    await using workspace = await Workspace.make();
    const now = new Date(Date.now() - 100 * DAY_MS);
    const expired = await makeCertificates({
      hosts: ["localhost"],
      now,
      validDays: { leaf: 10 },
    });
    const config = await tlsConfig(workspace, expired, "https://localhost");
    await using server = await startPosthorn(target, { workspace, config });
    expect(server.logged("tls.finding")).toContainEqual(
      expect.objectContaining({
        level: "error",
        code: "certificate_expired",
        certificate: "tls",
        file: config.tls.cert,
      }),
    );
    const trusting = { tls: { rejectUnauthorized: false } };
    expect((await fetch(`${server.url}/readyz`, trusting)).status).toBe(200);
    const checked = await runCli(target, ["check"], { workspace });
    expect([checked.code, checked.stdout]).toEqual([1, expect.stringContaining("expired")]);
  });
});

async function tlsConfig(
  workspace: Workspace,
  { cert, key }: { readonly cert: string; readonly key: string },
  publicUrl: string,
) {
  const files = {
    cert: await workspace.write("cert.pem", cert),
    key: await workspace.write("key.pem", key),
  };
  await chmod(files.key, 0o600);
  return { tls: files, server: { public_url: publicUrl } };
}
