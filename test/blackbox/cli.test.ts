import { describe, expect, setDefaultTimeout, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { addDevice, runCli, runCliOk } from "../support/cli.ts";
import { Device } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { configure, startPosthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("the command line of $name", (target) => {
  test("posthorn version prints the version", async () => {
    await using workspace = await Workspace.make();
    expect(await runCliOk(target, ["version"], { workspace })).toContain(manifest.version);
  });

  test.each([
    { args: [], wanted: "serve" },
    { args: ["sevre"], wanted: "serve" },
    { args: ["serve", "--prot", "1"], wanted: "--port" },
    { args: ["serve", "--port"], wanted: "--port" },
    { args: ["serve", "--port", "http"], wanted: "--port" },
    { args: ["device"], wanted: "add" },
    { args: ["device", "ad"], wanted: "add" },
    { args: ["device", "rotate"], wanted: "id" },
    { args: ["device", "add", "not an id"], wanted: "not an id" },
    { args: ["token"], wanted: "--user" },
    { args: ["token", "--user", "u", "--ttl", "soon"], wanted: "1h" },
    { args: ["cert", "--out", "x"], wanted: "--host" },
    { args: ["serve", "--config", "nowhere.toml"], wanted: "nowhere.toml" },
  ])("used wrongly as $args ends with 2 and says what would be right", async ({ args, wanted }) => {
    await using workspace = await Workspace.make();
    await configure(workspace);
    const result = await runCli(target, args, { workspace });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(wanted);
    expect(result.stdout).toBe("");
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  test("posthorn help and --help print the commands and end with 0", async () => {
    await using workspace = await Workspace.make();
    for (const args of [["--help"], ["help"], ["serve", "--help"]]) {
      expect(await runCliOk(target, args, { workspace })).toContain("serve");
    }
  });

  test("posthorn token makes a token that lets its user in to its devices", async () => {
    await using site = await startSite(target);
    const args = [
      "token",
      "--user",
      "alice",
      "--device",
      "42",
      "--channel",
      "device:43",
      "--ttl",
      "1h",
    ];
    const token = (await runCliOk(target, args, { workspace: site.workspace })).trim();
    using socket = await FrameSocket.open(`${site.server.wsUrl}/login?token=${token}`);
    const hello = await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
    const { subs } = JSON.parse(hello).push.connect;
    expect(Object.keys(subs).sort()).toEqual(["device:42", "device:43"]);
    expect(await site.server.waitForLog("client.connected")).toMatchObject({ user: "alice" });
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ sub: "alice", devices: ["42"], channels: ["device:43"] });
    expect(Math.abs(claims.exp - Date.now() / 1000 - 3600)).toBeLessThan(60);
  });

  test("posthorn device adds, lists, rotates and removes while the server runs", async () => {
    await using site = await startSite(target);
    const { workspace, server } = site;
    expect(site.device.secret.length).toBeGreaterThanOrEqual(22); // 128 bits in base64url
    await addDevice(target, workspace, "43");

    const again = await runCli(target, ["device", "add", "42"], { workspace });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("42")]);

    const listed = await runCliOk(target, ["device", "list", "--json"], { workspace });
    expect(JSON.parse(listed).map(({ id }: { id: string }) => id)).toEqual(["42", "43"]);
    expect(listed).not.toContain(site.device.secret);

    const rotated = await runCliOk(target, ["device", "rotate", "42", "--json"], { workspace });
    const { id, secret } = JSON.parse(rotated);
    const renewed = new Device(server.url, { id, secret });
    await eventually(() => isRefused(site.device), "the end of the old secret");
    expect((await renewed.post({ type: "t", data: 1 })).status).toBe(200);

    await runCliOk(target, ["device", "remove", "42"], { workspace });
    await eventually(() => isRefused(renewed), "the end of the removed device");
    const gone = await runCli(target, ["device", "remove", "42"], { workspace });
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("42")]);
  });

  test("reports every mistake of the configuration at once and ends with 2", async () => {
    await using workspace = await Workspace.make();
    await workspace.write(
      "posthorn.toml",
      `[server]
prot = 8077
port = "http"
[tokns]
secret = "x"
[tokens]
secret = "short-canary"
[store]
sync = "never"
[limits]
ping_interval = "soon"
`,
    );
    for (const args of [["check"], ["serve"]]) {
      const { code, stderr, stdout } = await runCli(target, args, { workspace });
      const said = stderr + stdout;
      expect([args, code]).toEqual([args, 2]);
      for (const [key, ...parts] of [
        ["server.prot", "port"],
        ["server.port", '"http"', "65535"],
        ["tokns", "tokens"],
        ["tokens.secret", "32"],
        ["store.sync", '"never"', '"full"', '"normal"'],
        ["limits.ping_interval", '"soon"', '"90s"'],
      ]) {
        const line = said.split("\n").find((text) => text.includes(key ?? "")) ?? "";
        for (const part of parts) expect([key, line]).toEqual([key, expect.stringContaining(part)]);
      }
      expect(said).not.toContain("short-canary");
    }
  });

  test("points at the place where the file is no TOML", async () => {
    await using workspace = await Workspace.make();
    await workspace.write("posthorn.toml", "[server]\nport = \n");
    const { code, stderr } = await runCli(target, ["check"], { workspace });
    expect([code, stderr]).toEqual([2, expect.stringContaining("posthorn.toml")]);
    expect(stderr).toMatch(/\b2\b/);
  });

  test("posthorn check ends with 0 on a good configuration", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace);
    await runCliOk(target, ["check"], { workspace });
  });

  test("flags win over the environment, the environment over the file", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace, {
      server: { host: "127.0.0.1", port: 1 },
      login: { reply: "file" },
    });
    const env = { POSTHORN_SERVER__PORT: "2", POSTHORN_LOGIN__REPLY: "environment" };
    await using server = await startPosthorn(target, { workspace, env });
    using socket = await FrameSocket.open(`${server.wsUrl}/login`);
    socket.send("hi");
    await socket.frames.find((frame) => frame === "environment", { what: "the reply" });
    expect(server.port).toBeGreaterThan(2);
  });

  test("a variable that names no key is a mistake too", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace);
    const env = { POSTHORN_TOKENS__SECRT: "x".repeat(40) };
    const { code, stderr } = await runCli(target, ["check"], { workspace, env });
    expect([code, stderr]).toEqual([2, expect.stringContaining("POSTHORN_TOKENS__SECRET")]);
  });
});

/** True once the server has noticed, as it does within a second. */
async function isRefused(device: Device): Promise<true | undefined> {
  const { status } = await device.post({ type: "t", data: 1 });
  return status === 401 || undefined;
}
