import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { chmod } from "node:fs/promises";
import { dns, issue } from "../tls/issue.ts";
import { SECRET, Terminal } from "./terminal.ts";

/** A configuration with which nothing is wrong. */
const GOOD = {
  POSTHORN_SERVER__HOST: "127.0.0.1",
  POSTHORN_SERVER__PORT: "0",
  POSTHORN_TOKENS__SECRET: SECRET,
  POSTHORN_API__KEYS: "an-api-key-0123456789",
};

async function checkJson(terminal: Terminal) {
  const { code, stdout } = await terminal.run("check", "--json");
  const { ok, checks, ...others } = JSON.parse(stdout);
  const byId = Object.fromEntries(
    checks.map(({ id, findings }: { id: string; findings: unknown[] }) => [id, findings]),
  );
  return { code, ok, byId, others };
}

describe("posthorn check", () => {
  test("ends with 0 where all is well and tells what it found", async () => {
    await using terminal = await Terminal.open();
    terminal.env = GOOD;
    const { code, stdout, stderr } = await terminal.run("check");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(`Configuration: no file, only defaults and variables
OK   Are the certificate and its key fit for use?
     found: none configured: plain http and ws
OK   Can it keep its data?
     found: ${terminal.workspace.file("data/posthorn.db")}, to be made in ${terminal.workspace.path}
OK   Can it listen?
     found: 127.0.0.1 port 0, http and ws
OK   Are clients told apart by address?
     found: by who connects: no proxy is trusted
OK   Can it check tokens?
     found: tokens.secret has ${SECRET.length} characters
OK   Are clients kept to what they may?
     found: to what tokens and channels allow
OK   Can it wake devices?
     found: none configured: devices are not woken
OK   Can the backend use the server API?
     found: api.keys has 1 key
OK   Can users of mini-programs log in here?
     found: none configured: their backend gets tickets for them
OK   Can webhooks be told of events?
     found: none configured: nobody is told of events
`);
  });

  test("makes nothing while it looks", async () => {
    await using terminal = await Terminal.open();
    terminal.env = GOOD;
    await terminal.run("check");
    expect(
      await Array.fromAsync(
        new Bun.Glob("**").scan({ cwd: terminal.workspace.path, onlyFiles: false }),
      ),
    ).toEqual([]);
  });

  test("warns where everyone may do everything", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_CLIENTS__INSECURE: "true" };
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["clients"]]).toEqual([
      0,
      [
        {
          status: "warn",
          found: expect.stringContaining("clients.insecure"),
          remedy: "Set clients.insecure = false",
        },
      ],
    ]);
  });

  test("reads the files by which devices are woken, and says what is wrong with them", async () => {
    await using terminal = await Terminal.open();
    terminal.env = GOOD;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const account = {
      project_id: "p",
      client_email: "e",
      private_key_id: "k",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      token_uri: "https://oauth2.googleapis.com/token",
    };
    await terminal.workspace.write("good.json", JSON.stringify(account));
    const broken = { ...account, private_key: "canary" };
    await terminal.workspace.write("broken.json", JSON.stringify(broken));
    await terminal.workspace.write("empty.json", "{}");
    const files = ["good", "broken", "empty", "missing"];
    const tables = files.map(
      (name) => `[push.${name}]\nprovider = "fcm"\ncredentials = "${name}.json"`,
    );
    await terminal.workspace.write("posthorn.toml", tables.join("\n"));
    const { code, byId } = await checkJson(terminal);
    expect(code).toBe(1);
    const fails = (name: string, why: string) => ({
      status: "fail",
      found: expect.stringMatching(new RegExp(`^push\\.${name}: .*${why}`)),
      remedy: `Correct what push.${name} names, or remove it`,
    });
    expect(byId["push"]).toEqual([
      { status: "ok", found: "push.good: fcm" },
      fails("broken", "the private_key in .*broken.json is no RSA key"),
      fails("empty", "empty.json has no "),
      fails("missing", "cannot read .*missing.json \\(ENOENT\\)"),
    ]);
    expect(JSON.stringify(byId)).not.toContain("canary");
  });

  test("tells who may use the server API, who logs in here and which webhooks hear nothing", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_API__KEYS: "canary-0123456789,canary-9876543210" };
    const webhook = (name: string, events: string) =>
      `[webhooks.${name}]\nurl = "http://b/"\nsecret = "whsec_${"c".repeat(32)}"\nevents = ${events}`;
    await terminal.workspace.write(
      "posthorn.toml",
      [
        '[logins.shop]\nprovider = "wechat"\napp_id = "wx1"\nsecret = "canary"',
        webhook("good", '["device.*", "command.{done,failed}", "sale.*"]'),
        webhook("empty", "[]"),
        webhook("slip", '["device.*", "comand.*", "device.onlin", "command.banana*"]'),
      ].join("\n"),
    );
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["api"], byId["logins"]]).toEqual([
      0,
      [{ status: "ok", found: "api.keys has 2 keys" }],
      [{ status: "ok", found: "logins.shop: wechat, app wx1" }],
    ]);
    expect(byId["webhooks"]).toEqual([
      { status: "ok", found: "webhooks.good: device.*, command.{done,failed}, sale.*" },
      {
        status: "warn",
        found: "webhooks.empty: events is empty, so nothing is posted there",
        remedy: "Name types in webhooks.empty.events, or remove webhooks.empty",
      },
      {
        status: "warn",
        found: 'webhooks.slip: no event is of a type like "device.onlin"',
        remedy: 'Did you mean "device.online"? Correct webhooks.slip.events',
      },
      {
        status: "warn",
        found: 'webhooks.slip: no event is of a type like "command.banana*"',
        remedy: expect.stringContaining("there are: device.online, device.offline"),
      },
    ]);
    expect(JSON.stringify(byId)).not.toContain("canary");
  });

  test("names both files of TLS when neither can be read", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_TLS__CERT: "c.pem", POSTHORN_TLS__KEY: "k.pem" };
    const { code, byId } = await checkJson(terminal);
    const missing = (key: string, file: string) => ({
      status: "fail",
      found: `${key}: cannot read ${terminal.workspace.file(file)}: there is no such file or directory (ENOENT)`,
      remedy: expect.stringContaining("posthorn cert"),
    });
    expect([code, byId["tls"]]).toEqual([
      1,
      [missing("tls.cert", "c.pem"), missing("tls.key", "k.pem")],
    ]);
  });

  test("names the file it read", async () => {
    await using terminal = await Terminal.open();
    terminal.env = GOOD;
    const file = await terminal.workspace.write("posthorn.toml", "");
    expect((await terminal.run("check")).stdout).toStartWith(`Configuration: ${file}\n`);
    expect(await checkJson(terminal)).toMatchObject({ code: 0, ok: true, others: { file } });
  });

  test("fails where no secret is set and nobody comes in otherwise, and says how to set one", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { POSTHORN_SERVER__PORT: "0" };
    const { code, stdout } = await terminal.run("check");
    expect(code).toBe(1);
    expect(stdout).toContain(`FAIL Can it check tokens?
     found: tokens.secret is not set, so no user can come in
     fix:   Set it where`);
  });

  test.each([
    [
      { POSTHORN_API__KEYS: "canary-0123456789" },
      "tokens.secret is not set, so no token is accepted; users come in with tickets that the backend asks for (api.keys)",
      "When no client brings a token, nothing; else: Set it where",
    ],
    [
      { POSTHORN_CALLBACKS__CONNECT: "https://b/connect" },
      "tokens.secret is not set, so no token is accepted; users come in by callbacks.connect",
      "When no client brings a token, nothing; else: Set it where",
    ],
    [
      {
        POSTHORN_LOGINS__SHOP__PROVIDER: "wechat",
        POSTHORN_LOGINS__SHOP__APP_ID: "wx1",
        POSTHORN_LOGINS__SHOP__SECRET: "canary",
      },
      "tokens.secret is not set, so no token is accepted, and sessions end with every restart; users come in by themselves (logins.shop)",
      "When no client brings a token, sessions.secret is enough; else: Set it where",
    ],
    [
      { POSTHORN_CLIENTS__INSECURE: "true" },
      "tokens.secret is not set, so no token is accepted; users come in without anything (clients.insecure)",
      "When no client brings a token, nothing; else: Set it where",
    ],
  ])(
    "warns where no secret is set and users come in otherwise: %j",
    async (...[env, found, fix]) => {
      await using terminal = await Terminal.open();
      terminal.env = { POSTHORN_SERVER__HOST: "127.0.0.1", POSTHORN_SERVER__PORT: "0", ...env };
      const { code, ok, byId } = await checkJson(terminal);
      expect([code, ok]).toEqual([0, true]);
      const warning = { status: "warn", found, remedy: expect.stringContaining(fix) };
      expect(byId["tokens"]).toEqual([warning]);
    },
  );

  test("reads the keys of logins by Alipay, and says what is wrong with them", async () => {
    await using terminal = await Terminal.open();
    terminal.env = GOOD;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    const files = {
      good: await terminal.workspace.write("good.pem", pem),
      broken: await terminal.workspace.write("broken.pem", "canary"),
    };
    const loginsWith = async (...names: (keyof typeof files)[]) => {
      const tables = names.map(
        (it) =>
          `[logins.${it}]\nprovider = "alipay"\napp_id = "2021"\nprivate_key = "${files[it]}"`,
      );
      await terminal.workspace.write("posthorn.toml", tables.join("\n"));
      const { code, byId } = await checkJson(terminal);
      return [code, byId["logins"]];
    };
    expect(await loginsWith("good")).toEqual([
      0,
      [{ status: "ok", found: "logins.good: alipay, app 2021" }],
    ]);
    const [code, findings] = await loginsWith("good", "broken");
    expect([code, findings]).toEqual([
      1,
      [
        {
          status: "fail",
          found: expect.stringMatching(
            /^logins\.broken: private_key of a login: .*broken\.pem does/,
          ),
          remedy: "Correct what logins.broken names, or remove it",
        },
      ],
    ]);
    expect(JSON.stringify(findings)).not.toContain("canary");
  });

  test("never prints a secret", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_TOKENS__PREVIOUS_SECRET: `${SECRET}-old` };
    const { stdout } = await terminal.run("check");
    expect(stdout).toContain(`tokens.previous_secret has ${SECRET.length + 4} characters`);
    expect(stdout).not.toContain(SECRET);
  });

  test("takes a certificate it can use, and tells until when", async () => {
    await using terminal = await Terminal.open();
    const issued = { now: new Date(), names: dns("localhost") };
    const root = await issue({ ...issued, name: "Root", ca: true });
    const middle = await issue({ ...issued, name: "Middle", ca: true, issuer: root });
    const leaf = await issue({ ...issued, name: "localhost", issuer: middle });
    await terminal.workspace.write("cert.pem", leaf.cert + middle.cert);
    await chmod(await terminal.workspace.write("key.pem", leaf.key), 0o600);
    terminal.env = { ...GOOD, POSTHORN_TLS__CERT: "cert.pem", POSTHORN_TLS__KEY: "key.pem" };
    const { byId } = await checkJson(terminal);
    expect(byId["tls"]).toEqual([
      { status: "ok", found: expect.stringMatching(/cert\.pem, until \d{4}-\d\d-\d\d$/) },
    ]);
    expect(byId["listen"]).toEqual([{ status: "ok", found: "127.0.0.1 port 0, https and wss" }]);
  });

  test("warns of a certificate that posthorn cert made, and of one for another host than public_url's, and still ends with 0", async () => {
    await using terminal = await Terminal.open();
    await terminal.run("cert", "--host", "localhost", "--out", ".");
    const tls = { POSTHORN_TLS__CERT: "cert.pem", POSTHORN_TLS__KEY: "key.pem" };
    terminal.env = { ...GOOD, ...tls, POSTHORN_SERVER__PUBLIC_URL: "https://push.example.com" };
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["tls"]]).toEqual([
      0,
      [
        {
          status: "warn",
          found: expect.stringMatching(/Posthorn local CA .* phones will refuse it/),
          remedy: "Use a certificate from a public CA",
        },
        {
          status: "warn",
          found: expect.stringContaining("push.example.com"),
          remedy: expect.any(String),
        },
      ],
    ]);
  });

  test.each([
    { what: "a missing certificate", cert: "missing.pem", key: "key.pem", found: "no such file" },
    { what: "the key of another", cert: "cert.pem", key: "other/key.pem", found: "key" },
  ])("fails with $what", async ({ cert, key, found }) => {
    await using terminal = await Terminal.open();
    await terminal.run("cert", "--host", "localhost", "--out", ".");
    await terminal.run("cert", "--host", "localhost", "--out", "other");
    terminal.env = { ...GOOD, POSTHORN_TLS__CERT: cert, POSTHORN_TLS__KEY: key };
    const { code, ok, byId } = await checkJson(terminal);
    expect([code, ok]).toEqual([1, false]);
    expect(byId["tls"]?.[0]).toEqual({
      status: "fail",
      found: expect.stringContaining(found),
      remedy: expect.any(String),
    });
  });

  test("knows Posthorn itself where it listens already", async () => {
    await using terminal = await Terminal.open();
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ status: "ok", server_time: 1 }),
    });
    const port = String(server.port);
    terminal.env = { ...GOOD, POSTHORN_SERVER__HOST: "0.0.0.0", POSTHORN_SERVER__PORT: port };
    const { byId } = await checkJson(terminal);
    const found = `0.0.0.0 port ${port}, http and ws: Posthorn runs there`;
    expect(byId["listen"]).toEqual([{ status: "ok", found }]);
  });

  test.each([
    ["nothing", () => new Promise<Response>(() => {})],
    ["too much", () => new Response(`{"status":"ok","server_time":1${" ".repeat(2_000_000)}}`)],
    ["an error", () => new Response('{"status":"ok","server_time":1}', { status: 500 })],
  ])("warns where what listens already answers %s", async (_what, answer) => {
    await using terminal = await Terminal.open();
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    terminal.env = { ...GOOD, POSTHORN_SERVER__PORT: String(server.port) };
    const { byId } = await checkJson(terminal);
    await server.stop(true);
    expect(byId["listen"]).toMatchObject([{ status: "warn" }]);
  });

  test("warns where something else listens already", async () => {
    await using terminal = await Terminal.open();
    using blocker = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ status: "ok" }),
    });
    terminal.env = { ...GOOD, POSTHORN_SERVER__PORT: String(blocker.port) };
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["listen"]]).toEqual([
      0,
      [
        {
          status: "warn",
          found: expect.stringContaining("EADDRINUSE"),
          remedy: expect.stringContaining("server.port"),
        },
      ],
    ]);
  });

  test("warns where no key is set for the backend, and says how to set one", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_API__KEYS: "" };
    const { code, stdout } = await terminal.run("check");
    expect(code).toBe(0);
    expect(stdout).toContain(`WARN Can the backend use the server API?
     found: api.keys is not set: nobody gets tickets, binds terminals or may use /api
     fix:   Set one, unless your backend signs tokens`);
  });

  test("fails where the address is not of this machine", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { ...GOOD, POSTHORN_SERVER__HOST: "192.0.2.1" };
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["listen"]]).toEqual([
      1,
      [
        {
          status: "fail",
          found: expect.stringContaining("this machine has no such address"),
          remedy: expect.stringContaining("server.host"),
        },
      ],
    ]);
  });

  test("fails where the data cannot be kept", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("file", "");
    terminal.env = { ...GOOD, POSTHORN_SERVER__DATA: "file/data" };
    const { code, byId } = await checkJson(terminal);
    expect([code, byId["data"]]).toEqual([
      1,
      [
        {
          status: "fail",
          found: expect.stringContaining("no directory"),
          remedy: expect.stringContaining("server.data"),
        },
      ],
    ]);
  });

  test("ends with 2 where the configuration itself is wrong, with every problem", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("posthorn.toml", "[server]\nprot = 1\n");
    terminal.env = { POSTHORN_SERVER__PORT: "http" };
    const { code, stdout, stderr } = await terminal.run("check");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("server.prot (posthorn.toml:2): there is no such key");
    expect(stderr).toContain('server.port (POSTHORN_SERVER__PORT): got "http"');
    const json = await terminal.run("check", "--json");
    expect([json.code, json.stderr, JSON.parse(json.stdout)]).toEqual([
      2,
      "",
      {
        ok: false,
        problems: [
          {
            key: "server.port",
            source: "POSTHORN_SERVER__PORT",
            message: expect.stringContaining("http"),
          },
          {
            key: "server.prot",
            source: "posthorn.toml:2",
            message: expect.stringContaining("server.port"),
          },
        ],
      },
    ]);
  });

  test("points at the place where the file is no TOML", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("posthorn.toml", "[server]\nport = \n");
    const { code, stderr } = await terminal.run("check");
    expect([code, stderr]).toEqual([2, expect.stringContaining("posthorn.toml:2:")]);
  });
});
