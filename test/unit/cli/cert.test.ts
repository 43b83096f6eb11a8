import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { lintCertificate } from "../../../src/tls/lint-certificate.ts";
import { readCertificateFiles } from "../../../src/tls/pem-files.ts";
import { Terminal } from "./terminal.ts";

const HOSTS = ["--host", "localhost", "--host", "127.0.0.1"];

describe("posthorn cert", () => {
  test("writes a CA, a full chain and a key that only its owner may read, fit for the server", async () => {
    await using terminal = await Terminal.open();
    const { code, stdout } = await terminal.run("cert", ...HOSTS, "--out", "keys/new");
    expect(code).toBe(0);
    expect(stdout).toContain("POSTHORN_TLS__CERT=keys/new/cert.pem");
    expect(stdout).toContain("curl --cacert keys/new/ca.pem https://localhost:8077/healthz");
    const path = (name: string) => terminal.workspace.file(`keys/new/${name}`);
    const chain = await Bun.file(path("cert.pem")).text();
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const [leaf, ca] = [
      new X509Certificate(chain),
      new X509Certificate(await Bun.file(path("ca.pem")).text()),
    ];
    expect([leaf.ca, ca.ca, leaf.checkIssued(ca)]).toEqual([false, true, true]);
    expect([leaf.checkHost("localhost"), leaf.checkIP("127.0.0.1")]).toEqual([
      "localhost",
      "127.0.0.1",
    ]);
    expect((await stat(path("key.pem"))).mode & 0o777).toBe(0o600);
    const files = { certFile: path("cert.pem"), keyFile: path("key.pem") };
    const { findings } = await lintCertificate(await readCertificateFiles(files, "tls"), {
      publicHosts: ["localhost"],
      now: new Date(),
    });
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("replaces nothing unless it is told to, and then the mode of the key too", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("cert.pem", "mine");
    await terminal.workspace.write("key.pem", "mine");
    const refused = await terminal.run("cert", ...HOSTS, "--out", ".");
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain(
      "cert.pem, key.pem are there already, replace them with --force",
    );
    expect(await terminal.workspace.read("key.pem")).toBe("mine");
    expect(await Bun.file(terminal.workspace.file("ca.pem")).exists()).toBe(false);

    const forced = await terminal.run("cert", ...HOSTS, "--out", ".", "--force", "--json");
    expect(JSON.parse(forced.stdout)).toEqual({ ca: "ca.pem", cert: "cert.pem", key: "key.pem" });
    expect(await terminal.workspace.read("key.pem")).toContain("PRIVATE KEY");
    expect((await stat(terminal.workspace.file("key.pem"))).mode & 0o777).toBe(0o600);
  });

  test.each([
    [["--out", "x"], "Cannot make a certificate without --host"],
    [["--host", "localhost"], "Cannot make a certificate without --out"],
    [
      ["--host", "bad host", "--out", "x"],
      'Cannot use --host: got "bad host", wanted a host name or an address',
    ],
    [["--host", "https://x.example", "--out", "x"], 'Cannot use --host: got "https://x.example"'],
    [["localhost", "--out", "x"], 'Cannot use "localhost"'],
  ])("%j ends with 2 and writes nothing", async (args, message) => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run("cert", ...args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
    await expect(stat(terminal.workspace.file("x"))).rejects.toThrow("ENOENT");
  });

  test("ends with 1 and in words where it cannot write", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("file", "");
    const { code, stderr } = await terminal.run("cert", ...HOSTS, "--out", "file/x");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^Cannot write to .*file\/x: a part of the path/),
    ]);
  });
});
