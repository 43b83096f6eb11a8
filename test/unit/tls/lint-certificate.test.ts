import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../src/core/faults.ts";
import { lintCertificate } from "../../../src/tls/lint-certificate.ts";
import { readCertificateFiles } from "../../../src/tls/pem-files.ts";
import { day, dns, issue, NOW } from "./issue.ts";

const HOST = "gate.example.com";

let folder: string;
let made: { readonly cert: string; readonly key: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "posthorn-tls-"));
  const root = await issue({ name: "Root", ca: true });
  const middle = await issue({ name: "Middle", ca: true, issuer: root });
  const leaf = await issue({ name: HOST, issuer: middle, names: dns(HOST), toDay: 90 });
  made = { cert: leaf.cert + middle.cert, key: leaf.key };
  await write("cert.pem", `Bag Attributes\r\n${made.cert.replaceAll("\n", "\r\n")}`);
  await write("key.pem", `\uFEFF${made.key}`);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function load(certName = "cert.pem", keyName = "key.pem", section = "tls") {
  const [certFile, keyFile] = [join(folder, certName), join(folder, keyName)];
  const files = await readCertificateFiles({ certFile, keyFile }, section);
  return lintCertificate(files, { section, publicHosts: [HOST], now: NOW });
}

async function refusal(certName?: string, keyName?: string): Promise<string> {
  const error = await load(certName, keyName).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Fault);
  return error instanceof Fault ? `${error.code} ${error.message}` : "";
}

describe("lintCertificate() of readCertificateFiles()", () => {
  test("hands over tidy PEM texts, no findings and the end of the leaf", async () => {
    expect(await load()).toEqual({
      files: { cert: made.cert, key: made.key },
      findings: [],
      hosts: [{ type: "dns", value: HOST }],
      expiresAtMs: day(90).getTime(),
    });
  });

  test("hands the server no key that the certificate file holds as well", async () => {
    await write("both.pem", made.key + made.cert);
    const { files, findings } = await load("both.pem", "both.pem");
    expect(files).toEqual({ cert: made.cert, key: made.key });
    expect(findings).toEqual([]);
  });

  test("passes on what inspectCertificate() finds", async () => {
    await write("empty.pem", "");
    const { files, findings, expiresAtMs } = await load("empty.pem");
    expect(findings.map(({ code }) => code)).toEqual(["certificate_missing"]);
    expect(files.cert).toBe("");
    expect(expiresAtMs).toBe(0);
  });

  test("speaks of the table that the files are from", async () => {
    await write("empty.pem", "");
    const { findings } = await load("empty.pem", "key.pem", "certificates.shop");
    expect(findings[0]?.found).toBe("certificates.shop.cert has no certificate: it is empty");
    expect(findings[0]?.remedy).toStartWith("Set certificates.shop.cert to a PEM file");
  });

  test("reads a binary file without harm", async () => {
    await write("cert.der", new Uint8Array([0x30, 0x82, 0x01, 0x0a, 0, 0xff]));
    const { findings } = await load("cert.der");
    expect(findings[0]?.found).toContain("it is binary");
  });

  test("warns of a key file that everyone can read", async () => {
    const path = await write("open-key.pem", made.key, 0o644);
    const { findings } = await load("cert.pem", "open-key.pem");
    expect(findings).toEqual([
      {
        code: "key_exposed",
        severity: "warning",
        found: `tls.key ${path} can be read by every user of this machine (mode 0644)`,
        remedy: `Run: chmod o= ${path}`,
      },
    ]);
  });

  test("accepts a key file that its group can read", async () => {
    await write("group-key.pem", made.key, 0o640);
    expect((await load("cert.pem", "group-key.pem")).findings).toEqual([]);
  });

  test("looks at the file behind a symbolic link", async () => {
    await symlink(join(folder, "key.pem"), join(folder, "link.pem"));
    expect((await load("cert.pem", "link.pem")).findings).toEqual([]);
  });

  test("refuses a missing certificate with its path and config key", async () => {
    expect(await refusal("gone.pem")).toBe(
      `config_invalid Cannot use configuration: tls.cert: cannot read ${join(folder, "gone.pem")}: there is no such file (ENOENT)`,
    );
  });

  test("refuses a missing key with its path and config key", async () => {
    expect(await refusal("cert.pem", "gone.pem")).toContain(
      `tls.key: cannot read ${join(folder, "gone.pem")}: there is no such file (ENOENT)`,
    );
  });

  test("refuses a folder", async () => {
    expect(await refusal(".")).toEndWith("it is a folder");
  });

  test("refuses what is no file, as it could never be read again", async () => {
    await symlink("/dev/null", join(folder, "device.pem"));
    expect(await refusal("device.pem")).toEndWith("it is not a regular file");
  });

  test("refuses a path through a file", async () => {
    expect(await refusal("cert.pem/x.pem")).toContain(
      "a part of the path is not a folder (ENOTDIR)",
    );
  });

  test("refuses a file that is far too big", async () => {
    await write("big.pem", "x".repeat(256 * 1024 + 1));
    expect(await refusal("big.pem")).toEndWith("it has 262145 bytes, at most 262144 are allowed");
  });
});
