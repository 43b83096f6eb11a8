import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdir, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { parse } from "smol-toml";
import { BACKEND_KEY } from "../support/backend.ts";
import { cleanEnvironment } from "../support/clean-environment.ts";
import { DemoDevice } from "../support/demo-device.ts";
import { readPhoneGuide } from "../support/phone-guide.ts";
import { type ConfigSections, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";
import { dns, issue } from "../unit/tls/issue.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** In the other language it has the same commands; the guide's unit test holds them against each other. */
const GUIDE = readPhoneGuide("en");
const PUBLIC_URL = "https://push.example.com";

describe("the commands of from zero to a phone", () => {
  test("1: bring a terminal to the desk that obeys", async () => {
    const [, serve, terminal, curl = ""] = blocksOf("## 1.", "sh");
    const [seen = ""] = blocksOf("## 1.", "text");
    await using server = await startPosthorn(EXECUTABLE, { args: optionsOf(serve, "serve") });
    const options = [...optionsOf(terminal, "demo-device"), "--url", server.url];
    await using device = new DemoDevice(EXECUTABLE, ...options);
    for (const line of seen.replace("http://127.0.0.1:8077", server.url).trim().split("\n")) {
      // What it measures is another number each time.
      await device.prints(line.replace(/(?<="temperature":).*/, ""));
    }
    const answer = await run(
      server.workspace,
      curl.replaceAll("http://127.0.0.1:8077", server.url),
    );
    expect(JSON.parse(answer)).toMatchObject({ status: "done", result: { ok: true } });
  });

  test("2: serve the whole network, and write the client where the demo looks for it", async () => {
    const [serve, sdk = ""] = blocksOf("## 2.", "sh");
    const args = optionsOf(serve, "serve");
    await using server = await startPosthorn(EXECUTABLE, { args });
    expect((await fetch(`${server.url}/demo`)).status).toBe(200);
    await run(server.workspace, sdk);
    const file = "config/demo/miniprogram/lib/posthorn.miniprogram.js";
    expect((await stat(server.workspace.file(file))).size).toBeGreaterThan(10_000);
    await server.stop();
    expect(server.output).toContain("so may everyone on the network");
  });

  test("4: keep the server running as a service, with its secrets", async () => {
    await using workspace = await Workspace.make();
    const [install = ""] = blocksOf("## 4.", "sh");
    const check = blocksOf("## 4.", "sh").find((it) => it.includes("posthorn check")) ?? "";
    const here = install
      .replaceAll("/srv/posthorn", workspace.path)
      .replaceAll("/etc/systemd/system", workspace.path);
    const [posthorn = ""] = EXECUTABLE.command;
    const asRoot = 'unset -f posthorn; sudo() { "$@"; }\n';
    const env = { USER: userInfo().username, PATH: `${dirname(posthorn)}:${process.env["PATH"]}` };
    await run(workspace, asRoot + here, env);
    const unit = await workspace.read("posthorn.service");
    const settings = [...unit.matchAll(/^(\w+)=(.+)$/gm)].map(([, key, value]) => [key, value]);
    expect(Object.fromEntries(settings)).toMatchObject({
      User: env.USER,
      WorkingDirectory: workspace.path,
      EnvironmentFile: workspace.file("secrets.env"),
      ExecStart: `${posthorn} serve`,
      Restart: "always",
    });

    await run(workspace, check, { POSTHORN_SERVER__PORT: "0" });
    expect((await stat(workspace.file("secrets.env"))).mode & 0o777).toBe(0o600);
    // A service takes each line as it is: no export, nothing to expand.
    expect(await workspace.read("secrets.env")).toMatch(
      /^POSTHORN_TOKENS__SECRET=[\w+/=]{32,}\nPOSTHORN_API__KEYS=[\w+/=]{16,}\n$/,
    );
  });

  test("4: check a certificate with its chain, and tell when the chain is missing", async () => {
    await using workspace = await Workspace.make();
    // As authorities give them out: without the root.
    const now = new Date();
    const root = await issue({ name: "Root", ca: true, now });
    const middle = await issue({ name: "Middle", ca: true, issuer: root, now });
    const host = "push.example.com";
    const { cert: leaf, key } = await issue({ name: host, issuer: middle, names: dns(host), now });
    const [, toml = ""] = blocksOf("## 4.", "toml");
    const check = blocksOf("## 4.", "sh").find((it) => it.includes("posthorn check")) ?? "";
    const [seen = ""] = blocksOf("## 4.", "text");
    await workspace.write("posthorn.toml", toml);
    await mkdir(workspace.file("certs"), { mode: 0o700 });
    await chmod(await workspace.write("certs/privkey.pem", key), 0o600);
    await workspace.write("certs/fullchain.pem", leaf + middle.cert);
    // Not everyone who runs this may listen on 443.
    const env = { POSTHORN_SERVER__PORT: "0" };
    const whole = await run(workspace, check, env);
    expect(whole).toContain("OK   Are the certificate");
    expect(whole).not.toMatch(/^(WARN|FAIL)/m);
    expect(whole).toContain("fullchain.pem, until ");

    await workspace.write("certs/fullchain.pem", leaf);
    const cut = await run(workspace, check, env);
    expect(cut).toMatch(issuerOf(seen.replaceAll("/srv/posthorn", workspace.path)));
  });

  test("5: give a user's phone its ticket, and a terminal it may command", async () => {
    const [backend = "", terminal = ""] = blocksOf("## 5.", "sh");
    const [logins = ""] = blocksOf("## 5.", "toml");
    await using server = await startPosthorn(EXECUTABLE, {
      config: { ...(parse(logins) as ConfigSections), api: { keys: [BACKEND_KEY] } },
      env: { POSTHORN_LOGINS__WECHAT__SECRET: "the-app-secret" },
    });
    const script = backend.replaceAll(PUBLIC_URL, server.url);
    const out = await run(server.workspace, script, { KEY: BACKEND_KEY });
    const answers = out.trim().split("\n");
    expect(answers.map((it) => JSON.parse(it))).toMatchObject([
      { id: "kiosk-7", secret: expect.any(String) },
      { user: "anna", device: "kiosk-7", commands: ["light"] },
      { ticket: expect.stringMatching(/^pht_/), expires_in: 60 },
    ]);
    const { secret } = JSON.parse(answers[0] ?? "");
    const started = terminal.replaceAll(PUBLIC_URL, server.url).replace("phd_…", secret);
    await using device = new DemoDevice(EXECUTABLE, ...optionsOf(started, "demo-device"));
    await device.prints("posted reading");
  });
});

function blocksOf(heading: string, kind: string): readonly string[] {
  const part = GUIDE.parts.find((it) => it.heading.startsWith(heading));
  return (part?.blocks ?? []).filter((it) => it.kind === kind).map(({ text }) => text);
}

/** What follows the command in a block that is only `posthorn <command> …`. */
function optionsOf(block: string | undefined, command: string): readonly string[] {
  const [posthorn, name, ...options] = (block ?? "").trim().split(" ");
  expect([posthorn, name]).toEqual(["posthorn", command]);
  return options;
}

/** The text with whatever issuer: that of a test is none that phones know. */
function issuerOf(text: string): RegExp {
  const [before = "", after = ""] = text.trim().split(/C=US.*(?=: phones)/);
  expect(after).not.toBe("");
  return new RegExp(`${RegExp.escape(before)}.+${RegExp.escape(after)}`);
}

/** Runs what was pasted, where `posthorn` is the executable; a command that fails is a failure. */
async function run(
  workspace: Workspace,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [posthorn] = EXECUTABLE.command;
  const strict = `set -euo pipefail
    curl() { command curl -sS --fail-with-body "$@"; echo; }
    posthorn() { ${posthorn} "$@"; }
    openssl() { head -c 48 /dev/urandom | base64 -w 0; }\n`;
  const child = Bun.spawn(["bash", "-c", strict + script], {
    cwd: workspace.path,
    env: cleanEnvironment(env),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ code, said: code === 0 ? "" : `${script}${out}${err}` }).toEqual({ code: 0, said: "" });
  return out;
}
