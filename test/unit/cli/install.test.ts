import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { planInstall } from "../../../src/cli/install/install-plan.ts";
import { PLACES } from "../../../src/cli/install/unit-file.ts";
import { whatNext } from "../../../src/cli/install/what-next.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { systemdAnalyze } from "../../support/systemd.ts";
import { EXECUTABLE } from "../../support/targets.ts";
import { Workspace } from "../../support/workspace.ts";
import { Terminal } from "./terminal.ts";

const TLS = '[tls]\ncert = "/etc/posthorn/cert.pem"\nkey = "/etc/posthorn/key.pem"\n';
const KEYS = '[api]\nkeys = ["0123456789abcdef"]\n';

function unitFor(configText: string | undefined): string {
  const { files } = planInstall({
    configText,
    configPath: PLACES.config,
    entropy: createFakeEntropy(),
  });
  const unit = files.find(({ path }) => path === PLACES.unit);
  if (unit === undefined) throw new Error("Cannot find the unit among the files");
  return unit.text;
}

/** The unit as a file that systemd can judge here: with an executable that there is. */
async function writeUnit(workspace: Workspace, text: string): Promise<string> {
  const [executable] = EXECUTABLE.command;
  return workspace.write("posthorn.service", text.replaceAll(PLACES.executable, executable));
}

describe("the unit of posthorn install", () => {
  // Exposures as `systemd-analyze security` counts them: 10 is a service that may do everything.
  test.each([
    ["of a new configuration", undefined, 1.5],
    ["with a port that only root may open", `${KEYS}[server]\nport = 443`, 1.8],
  ])("%s is accepted by systemd, and exposes little", async (_, configText, most) => {
    await using workspace = await Workspace.make();
    const file = await writeUnit(workspace, unitFor(configText));
    expect(await systemdAnalyze("verify", file)).toEqual({ code: 0, output: "" });
    const { output } = await systemdAnalyze("security", "--offline=true", "--no-pager", file);
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(output)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(most);
  });

  test.each([
    ["port = 8443", "CapabilityBoundingSet=\n"],
    [`port = 8443\nhttp_port = 80\n${TLS}`, "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"],
    ["port = 443", "AmbientCapabilities=CAP_NET_BIND_SERVICE\n"],
    ["port = 0", "AmbientCapabilities=\n"],
    ['data = "/srv/posthorn"', "ReadWritePaths=/srv/posthorn\n"],
  ])("for [server] %j has %j", (server, line) => {
    expect(unitFor(`${KEYS}[server]\n${server}`)).toContain(`\n${line}`);
  });

  test("follows the limits of the configuration", () => {
    const unit = unitFor(`${KEYS}[limits]\nclients_max = 200000\ndrain_timeout = "90s"`);
    expect(unit).toContain("\nLimitNOFILE=465536\n");
    expect(unit).toContain("\nTimeoutStopSec=100\n");
  });

  test("asks for no more open files than Linux gives", () => {
    expect(unitFor(`${KEYS}[limits]\nclients_max = 1000000`)).toContain("\nLimitNOFILE=1048576\n");
  });

  test("lets nothing of the environment into the runtime", () => {
    expect(unitFor(undefined)).toMatch(/^UnsetEnvironment=.*\bBUN_OPTIONS BUN_BE_BUN\b/m);
  });
});

describe("posthorn install", () => {
  test("--dry-run prints every file and every command, and does nothing", async () => {
    await using terminal = await Terminal.open();
    const root = terminal.workspace.file("root");
    const { code, stdout } = await terminal.run("install", "--dry-run", "--root", root);
    expect(code).toBe(0);
    for (const path of Object.values(PLACES)) {
      if (path !== PLACES.data) expect(stdout).toContain(join(root, path));
    }
    expect(stdout).toContain("  NoNewPrivileges=yes\n");
    expect(stdout).toContain("  net.ipv4.tcp_migrate_req = 1\n");
    expect(stdout).toEndWith(
      "  systemctl enable posthorn.service\n  systemctl start posthorn.service\n",
    );
    expect(existsSync(root)).toBe(false);
  });

  test("--dry-run shows no secrets, which would not be those it makes later", async () => {
    await using terminal = await Terminal.open();
    const { stdout } = await terminal.run("install", "--dry-run", "--root", "root");
    const again = await terminal.run("install", "--dry-run", "--root", "root");
    expect(again.stdout).toBe(stdout);
    expect(stdout).toContain('  secret = "made-when-it-is-really-installed-and-only-then"\n');
  });

  test("--dry-run says of a configuration that is there that it stays", async () => {
    await using terminal = await Terminal.open();
    const config = join(terminal.workspace.file("root"), PLACES.config);
    await Bun.write(config, KEYS);
    const { stdout } = await terminal.run("install", "--dry-run", "--root", "root");
    expect(stdout).toEndWith(`\nWould keep ${config}\n`);
  });

  test.each(["file", "file/below"])(
    "--root %s, which is no directory, is refused",
    async (root) => {
      await using terminal = await Terminal.open();
      const file = await terminal.workspace.write("file", "");
      const { code, stderr } = await terminal.run("install", "--dry-run", "--root", root);
      expect([code, stderr]).toEqual([1, `Cannot install below ${file}: it is no directory\n`]);
    },
  );

  test("a configuration that is wrong is told of before anything is written", async () => {
    await using terminal = await Terminal.open();
    const root = terminal.workspace.file("root");
    await Bun.write(join(root, PLACES.config), "[server]\nprot = 1");
    const { code, stderr } = await terminal.run("install", "--dry-run", "--root", root);
    expect([code, stderr]).toEqual([2, expect.stringContaining("did you mean server.port?")]);
    expect(stderr).toContain(join(root, PLACES.config));
  });

  test("installs no runtime with sources, and says what to do", async () => {
    await using terminal = await Terminal.open();
    const { code, stderr } = await terminal.run("install", "--root", terminal.workspace.path);
    expect([code, stderr]).toEqual([1, expect.stringContaining("build the executable")]);
  });
});

describe("whatNext()", () => {
  const done = { configPath: "/etc/posthorn/posthorn.toml", isDry: false, isLive: true };

  test("names the settings of a new configuration first, and what applies them", () => {
    const text = whatNext({ ...done, isNew: true });
    expect(text).toStartWith(
      "\nNext:\n  set server.public_url, the port and the certificate in /etc/",
    );
    expect(text).toMatch(/posthorn install .*\n.*systemctl restart posthorn\n.*posthorn check /);
  });

  test("says that a configuration was kept, and where to look", () => {
    const text = whatNext({ ...done, isNew: false });
    expect(text).toStartWith("/etc/posthorn/posthorn.toml: kept\n\nNext:\n  posthorn check ");
    expect(text).toContain("journalctl -u posthorn");
  });
});
