import { expect, test } from "bun:test";
import { chmod, mkdir } from "node:fs/promises";
import { planInstall } from "../../../src/cli/install/install-plan.ts";
import { mayReadAs, unreadableFiles } from "../../../src/cli/install/readable-files.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { Workspace } from "../../support/workspace.ts";

const CONFIG = `
[tokens]
rsa_public_key = "/etc/posthorn/rsa.pem"
[tls]
cert = "/etc/posthorn/cert.pem"
key = "/etc/letsencrypt/live/a.example/privkey.pem"
[certificates.shop]
cert = "/home/shop/cert.pem"
key = "/etc/posthorn/shop.pem"
`;

test("unreadableFiles() names each file that the service's user may not read, and those the unit hides", async () => {
  const { config } = planInstall({ configText: CONFIG, entropy: createFakeEntropy() });
  const asked: string[] = [];
  const lines = await unreadableFiles(config, async (file) => {
    asked.push(file);
    return !file.startsWith("/etc/letsencrypt");
  });
  expect(lines).toEqual([
    expect.stringMatching(
      /^tls\.key: the service cannot read \/etc\/letsencrypt\/.*: the user posthorn may not; .*chgrp/,
    ),
    expect.stringMatching(/^certificates\.shop\.cert: .*the service sees nothing there/),
  ]);
  expect(asked).toContain("/etc/posthorn/rsa.pem");
});

test.if(process.getuid?.() === 0)(
  "mayReadAs() minds the directories above a file, as the user and not as root",
  async () => {
    await using workspace = await Workspace.make();
    await chmod(workspace.path, 0o755);
    const open = await workspace.write("open.pem", "x");
    await mkdir(workspace.file("closed"));
    const closed = await workspace.write("closed/key.pem", "x");
    await chmod(open, 0o644);
    await chmod(closed, 0o644);
    await chmod(workspace.file("closed"), 0o700);
    expect(await mayReadAs("nobody", open)).toBe(true);
    expect(await mayReadAs("nobody", closed)).toBe(false);
  },
);
