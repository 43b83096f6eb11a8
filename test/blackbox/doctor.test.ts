import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, writeFile } from "node:fs/promises";
import { runCli } from "../support/cli.ts";
import { diagnose } from "../support/doctor.ts";
import { configure } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const API_KEY = "doctors-api-key-0123456789abcdefghijklmnop";

describe.each(TARGETS)("posthorn doctor on $name, from outside", (target) => {
  test("finds all well as a user, a device and the backend, and prints no secret", async () => {
    await using site = await startSite(target, {
      config: { api: { keys: [API_KEY] }, limits: { ping_interval: "2s", pong_timeout: "1s" } },
    });
    const { workspace, server, device } = site;
    const token = signToken({ sub: "anna" });
    const minted = await fetch(`${server.url}/v1/tickets`, {
      method: "POST",
      headers: { "X-API-Key": API_KEY },
      body: JSON.stringify({ user: "anna" }),
    });
    const { ticket } = await minted.json();
    await workspace.write("key.txt", `${API_KEY}\n`);
    const shown = ["--token", token, "--ticket", ticket, "--api-key", "@key.txt"];
    const asDevice = ["--device", "42", "--secret", device.secret];
    const args = [server.url, "--idle", "4s", ...shown, ...asDevice];
    const diagnosis = await diagnose(target, workspace, args);
    expect([diagnosis.exitCode, diagnosis.ills]).toEqual([0, ["tls_absent"]]);
    const codes = diagnosis.findings.map(({ code }) => code);
    expect(codes.filter((code) => code === "signed_in")).toHaveLength(2);
    for (const code of ["event_stored", "poll_held", "api_answered", "idle_kept", "clock_right"]) {
      expect(codes).toContain(code);
    }
    expect(diagnosis.one("idle_kept").values["heartbeats"]).toBeGreaterThanOrEqual(1);
    for (const secret of [token, ticket, API_KEY, device.secret]) {
      expect(diagnosis.output).not.toContain(secret);
    }
  });

  test("names what is refused, and prints none of the wrong secrets", async () => {
    await using site = await startSite(target);
    const wrong = ["wrong-token-1", "wrong-ticket-2", "wrong-secret-3", "wrong-key-4"];
    const [token = "", ticket = "", secret = "", key = ""] = wrong;
    const shown = ["--token", token, "--ticket", ticket, "--api-key", key];
    const args = [site.server.url, ...shown, "--device", "42", "--secret", secret];
    const diagnosis = await diagnose(target, site.workspace, args);
    expect(diagnosis.exitCode).toBe(1);
    expect(diagnosis.ills).toEqual([
      "api_refused",
      "event_refused",
      "poll_refused",
      "sign_in_refused",
      "tls_absent",
    ]);
    for (const it of wrong) expect(diagnosis.output).not.toContain(it);
  });

  test("says that a port is closed, and where a name leads nowhere", async () => {
    await using site = await startSite(target);
    const { port } = site.server;
    await site.server.stop();
    const closed = await diagnose(target, site.workspace, [`http://127.0.0.1:${port}`]);
    expect([closed.exitCode, closed.ills]).toEqual([1, ["port_closed"]]);
    expect(closed.one("port_closed").values).toMatchObject({ port, reason: "refused" });
    const lost = await diagnose(target, site.workspace, ["https://posthorn-doctor.invalid"]);
    expect([lost.exitCode, lost.ills]).toEqual([1, ["name_missing"]]);
  });

  test("speaks Chinese when asked or when the system does, and is aligned text otherwise", async () => {
    await using site = await startSite(target);
    const { workspace, server } = site;
    const args = ["doctor", server.url, "--idle", "0"];
    const asked = await runCli(target, [...args, "--lang", "zh"], { workspace });
    const env = { LC_ALL: "zh_CN.UTF-8" };
    const system = await runCli(target, args, { workspace, env });
    for (const { code, stdout, stderr } of [asked, system]) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("  注意   ");
      expect(stdout).toContain("没有 TLS");
      expect(stdout).toContain("没有错误");
    }
    const english = await runCli(target, args, { workspace, env: { LC_ALL: "C" } });
    expect(english.stdout).toContain(`\n  warn   ${server.url} is without TLS\n  why    `);
    expect(english.stdout).not.toContain("\u001b");
  });

  test("ends with 2 and says what would be right when it is used wrongly", async () => {
    await using workspace = await Workspace.make();
    const cases = [
      [["ftp://example.com"], "wanted something like https://"],
      [["https://a.example", "--config", "x.toml"], "--config with a URL"],
      [["https://a.example", "--device", "42"], "both --device and --secret"],
      [["https://a.example", "--idle", "soon"], "wanted a duration"],
      [["https://a.example", "--lang", "fr"], "known are en, zh"],
      [["--idle", "3s"], "without a URL"],
      [["https://a.example", "--ca", "missing.pem"], "Cannot read missing.pem"],
    ] as const;
    for (const [args, said] of cases) {
      const { code, stderr } = await runCli(target, ["doctor", ...args], { workspace });
      expect([args, code]).toEqual([args, 2]);
      expect(stderr).toContain(said);
    }
  });
});

describe.each(TARGETS)("posthorn doctor on $name, from inside", (target) => {
  test("looks at configuration, machine and store beside a running server, and changes nothing", async () => {
    await using site = await startSite(target);
    const { workspace } = site;
    await chmod(workspace.file("posthorn.toml"), 0o640);
    const diagnosis = await diagnose(target, workspace, ["--config", "posthorn.toml"]);
    expect(diagnosis.exitCode).toBe(0);
    const codes = diagnosis.findings.map(({ code }) => code);
    for (const code of ["store_served", "store_sound", "config_private", "disk_roomy"]) {
      expect(codes).toContain(code);
    }
    const files = diagnosis.findings.find(({ code }) => code.startsWith("files_"));
    expect(files?.values["where"]).toBe("files_server");
    expect((await site.device.post({ type: "t", data: 1 })).status).toBe(200);
    await site.server.stop();
    const later = await diagnose(target, workspace, ["--config", "posthorn.toml"]);
    expect(later.one("store_free").severity).toBe("ok");
  });

  test("says what is exposed, shared, damaged and odd, and prints no secret", async () => {
    await using workspace = await Workspace.make();
    const secret = "one-secret-for-everything-0123456789abcdef";
    await configure(workspace, { tokens: { secret }, api: { keys: [secret] } });
    await chmod(workspace.file("posthorn.toml"), 0o644);
    await runCli(target, ["device", "add", "42"], { workspace });
    await writeFile(workspace.file("data/posthorn.db"), "this is no database any more");
    const env = { SSLKEYLOGFILE: workspace.file("keys.log"), LC_ALL: "C" };
    const args = ["doctor", "--config", "posthorn.toml", "--json"];
    const { code, stdout } = await runCli(target, args, { workspace, env });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    const codes = report.findings.map((it: { readonly code: string }) => it.code);
    for (const wanted of [
      "config_exposed",
      "secrets_shared",
      "store_damaged",
      "environment_odd",
      "public_url_missing",
    ]) {
      expect(codes).toContain(wanted);
    }
    expect(stdout).not.toContain(secret);
    expect(stdout).not.toContain("keys.log");
  });

  test("ends with 2 on a configuration that is wrong, as posthorn check does", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace, { server: { prot: 1 } });
    const result = await runCli(target, ["doctor", "--json"], { workspace });
    expect(result.code).toBe(2);
    expect(JSON.parse(result.stdout)).toMatchObject({
      ok: false,
      problems: [{ key: "server.prot" }],
    });
  });
});
