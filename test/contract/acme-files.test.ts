import { describe, expect, test } from "bun:test";
import { link, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AcmeFiles } from "../../src/acme/acme-files.ts";
import { readPair } from "../../src/acme/certificate-pair.ts";
import { Workspace } from "../support/workspace.ts";

const CHILD = resolve(import.meta.dir, "storing-certificate-child.ts");
const DIRECTORY = "https://ca.test:14000/dir";
const KILLS = 4;
/** Each is what would be left if it was killed at that moment. */
const LOOKS = 300;

describe("AcmeFiles", () => {
  test("hold a certificate and the key that belongs to it, at any moment of storing one", async () => {
    await using workspace = await Workspace.make();
    const files = new AcmeFiles(workspace.file("acme"), DIRECTORY);
    const seen = new Set<string>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await storing(workspace, async () => {
        for (let look = 0; look < LOOKS; look += 1) seen.add((await files.certificate()) ?? "");
      });
      seen.add((await files.certificate()) ?? "");
    }
    for (const text of seen) {
      expect(await readPair({ cert: text, key: text }, Date.now())).not.toHaveProperty("unfit");
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  test("never write into the file that is in use: another takes its place", async () => {
    await using workspace = await Workspace.make();
    const files = new AcmeFiles(workspace.file("acme"), DIRECTORY);
    await files.keepCertificate("the old one");
    // A second name of the same file, which sees what is written into it.
    await link(workspace.file("acme/ca.test-14000-dir/certificate.pem"), workspace.file("old"));
    await files.keepCertificate("the new one");
    expect(await files.certificate()).toBe("the new one");
    expect(await workspace.read("old")).toBe("the old one");
  });

  test("take nobody's word on orders for more than it is", async () => {
    await using workspace = await Workspace.make();
    const files = new AcmeFiles(workspace.file("acme"), DIRECTORY);
    expect(await files.orders()).toEqual([]);
    await files.keepOrders([1, 2]);
    expect(await files.orders()).toEqual([1, 2]);
    for (const text of ["", "{}", "[1", '["x"]']) {
      await writeFile(workspace.file("acme/ca.test-14000-dir/orders.json"), text);
      expect(await files.orders()).toEqual([]);
    }
  });

  test("say where they cannot write", async () => {
    await using workspace = await Workspace.make();
    await workspace.write("acme", "a file");
    const files = new AcmeFiles(workspace.file("acme"), DIRECTORY);
    await expect(files.keepAccount("x")).rejects.toThrow(
      /^Cannot use certificate: cannot write .*account\.pem: /,
    );
  });
});

/** Runs `meanwhile` once another process stores one after the other, and kills that one then. */
async function storing(workspace: Workspace, meanwhile: () => Promise<void>): Promise<void> {
  const child = Bun.spawn([process.execPath, CHILD, workspace.file("acme"), DIRECTORY], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  await reader.read();
  await meanwhile();
  child.kill("SIGKILL");
  await child.exited;
}
