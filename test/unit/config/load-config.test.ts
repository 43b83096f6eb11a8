import { describe, expect, test } from "bun:test";
import { ConfigError } from "../../../src/config/problems.ts";
import type { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Namespace } from "../../../src/core/namespaces.ts";
import { load, problemsWith } from "./sources.ts";

const SECRET = "s".repeat(32);
const META_TTL_MS = 30 * 24 * 60 * 60 * 1000;
/** What every namespace allows unless it says otherwise. */
const CLOSED: Namespace = {
  forceRecovery: true,
  recoveryMode: "stream",
  presence: false,
  joinLeave: false,
  forceJoinLeave: false,
  delta: false,
  allowSubscribe: false,
  allowSubscribeAnonymous: false,
  allowPublish: "none",
  allowPresence: "none",
  allowHistory: "none",
  subscribeCallback: false,
  publishCallback: false,
};

describe("loadConfig()", () => {
  test("gives the defaults when nothing is said", () => {
    const { limits, namespaces, ...config } = load({});
    expect(config).toEqual({
      dev: false,
      server: {
        host: "0.0.0.0",
        port: 8077,
        httpServes: "redirect",
        trustedProxies: [],
        clientAddressHeader: "x-forwarded-for",
      },
      store: { location: { file: "data/posthorn.db" }, sync: "full" },
      tokens: { userClaim: "sub" },
      api: { keys: [] },
      devices: {
        fleetKeys: [],
        onlineTtlMs: LIMITS.deviceOnlineTtlMs,
        offlineGraceMs: LIMITS.deviceOfflineGraceMs,
        wakeIntervalMs: LIMITS.wakeIntervalMs,
        commandLeaseMs: LIMITS.commandLeaseMs,
        requireCertificate: false,
      },
      push: new Map(),
      webhooks: [],
      callbacks: { urls: {}, timeoutMs: 1_000, headers: [] },
      clients: {
        allowedOrigins: [],
        onUserLimit: "refuse",
        userChannel: false,
        insecure: false,
      },
      login: { reply: "reply", visitors: true },
      logins: new Map(),
      sessions: { ttlMs: LIMITS.sessionTtlMs },
      log: { level: "info", format: "auto" },
      metrics: { keys: [], local: true, public: false },
    });
    expect([...namespaces]).toEqual([
      [
        "device",
        { ...CLOSED, retention: { sizeMax: 1000, ttlMs: 86_400_000, metaTtlMs: META_TTL_MS } },
      ],
      ["", CLOSED],
    ]);
    expect(LIMITS).toMatchObject(limits);
  });

  test("reads every section of a file", () => {
    const config = load({
      toml: `
        [server]
        host = "::1"
        port = 443
        data = "/var/lib/posthorn"
        public_url = "https://push.example.com/base"
        [tls]
        cert = "/c.pem"
        key = "/k.pem"
        [store]
        sync = "normal"
        [tokens]
        secret = "${SECRET}"
        previous_secret = "${SECRET}old"
        [login]
        reply = ""
        visitors = false
        [limits]
        frame_max_bytes = "128KB"
        queue_max_bytes = 2097152
        ping_interval = "30s"
        [log]
        level = "debug"
        format = "json"`,
    });
    expect(config).toMatchObject({
      server: { host: "::1", port: 443, publicUrl: "https://push.example.com/base" },
      tls: { first: { certFile: "/c.pem", keyFile: "/k.pem" } },
      store: { location: { file: "/var/lib/posthorn/posthorn.db" }, sync: "normal" },
      tokens: { secret: SECRET, previousSecret: `${SECRET}old` },
      login: { reply: "", visitors: false },
      limits: { frameMaxBytes: 131_072, queueMaxBytes: 2_097_152, pingIntervalMs: 30_000 },
      log: { level: "debug", format: "json" },
    });
  });

  test("lets a flag win over a variable and a variable over the file", () => {
    const toml = "[server]\nport = 1\nhost = '10.0.0.1'\ndata = '/file'";
    const env = { POSTHORN_SERVER__PORT: "2", POSTHORN_SERVER__HOST: "10.0.0.2" };
    const { server, store } = load({ toml, env, flags: { port: "3" } });
    expect(server).toMatchObject({ host: "10.0.0.2", port: 3 });
    expect(store.location).toEqual({ file: "/file/posthorn.db" });
  });

  test.each([
    ["POSTHORN_SERVER__PORT", "80", { server: { port: 80 } }],
    ["POSTHORN_LOGIN__VISITORS", "false", { login: { visitors: false } }],
    ["POSTHORN_LOGIN__VISITORS", "true", { login: { visitors: true } }],
    ["POSTHORN_LOGIN__REPLY", "", { login: { reply: "" } }],
    ["POSTHORN_LOGIN__REPLY", "7", { login: { reply: "7" } }],
    ["POSTHORN_LIMITS__BODY_MAX_BYTES", "2MB", { limits: { bodyMaxBytes: 2_097_152 } }],
    ["POSTHORN_LIMITS__BODY_MAX_BYTES", "2097152", { limits: { bodyMaxBytes: 2_097_152 } }],
    ["POSTHORN_LIMITS__DRAIN_SPREAD", "500ms", { limits: { drainSpreadMs: 500 } }],
    ["POSTHORN_STORE__SYNC", "normal", { store: { sync: "normal" } }],
  ])("reads the variable %s=%s as its key wants it", (name, text, wanted) => {
    expect(load({ env: { [name]: text } })).toMatchObject(wanted);
  });

  test("ignores variables that are no settings", () => {
    const env = { PATH: "/bin", POSTHORN_VERSION: "1", HOST: "x", posthorn_server__port: "x" };
    expect(load({ env: { ...env, POSTHORN_SERVER__PORT: undefined } })).toEqual(load({}));
  });

  test("starts relative paths from the working directory it is told", () => {
    const toml = "[server]\ndata = 'd'\n[tls]\ncert = 'c.pem'\nkey = '/k.pem'";
    const { store, tls } = load({ toml, cwd: "/srv" });
    expect(store.location).toEqual({ file: "/srv/d/posthorn.db" });
    expect(tls?.first).toEqual({ certFile: "/srv/c.pem", keyFile: "/k.pem" });
  });
});

describe("loadConfig() with namespaces", () => {
  test("keeps what is configured and leaves the built-in ones in place", () => {
    const { namespaces } = load({
      toml: `
        [channels.chat]
        history_size = 50
        history_ttl = "10m"
        allow_subscribe = true
        [channels.default]
        allow_subscribe = true`,
      env: { POSTHORN_CHANNELS__ALERTS__HISTORY_SIZE: "5" },
    });
    expect(Object.fromEntries(namespaces)).toEqual({
      device: {
        ...CLOSED,
        retention: { sizeMax: 1000, ttlMs: 86_400_000, metaTtlMs: META_TTL_MS },
      },
      "": { ...CLOSED, allowSubscribe: true },
      chat: {
        ...CLOSED,
        retention: { sizeMax: 50, ttlMs: 600_000, metaTtlMs: META_TTL_MS },
        allowSubscribe: true,
      },
      alerts: { ...CLOSED, retention: { sizeMax: 5, ttlMs: 86_400_000, metaTtlMs: META_TTL_MS } },
    });
    expect(namespaces.has("default")).toBe(false);
  });

  test("lets the device namespace be tuned key by key", () => {
    const { namespaces } = load({ env: { POSTHORN_CHANNELS__DEVICE__HISTORY_TTL: "1h" } });
    expect(namespaces.get("device")?.retention).toMatchObject({ sizeMax: 1000, ttlMs: 3_600_000 });
  });

  test.each([
    ["60d", "30d", 60],
    ["1h", "60d", 60],
  ])("remembers a channel for the longer of history_ttl %s and history_meta_ttl %s", (...row) => {
    const [ttl, metaTtl, days] = row;
    const { namespaces } = load({
      toml: `[channels.device]\nhistory_ttl = "${ttl}"\nhistory_meta_ttl = "${metaTtl}"`,
    });
    expect(namespaces.get("device")?.retention?.metaTtlMs).toBe(days * 86_400_000);
  });

  test("keeps nothing where the size is 0", () => {
    const { namespaces } = load({ toml: "[channels.device]\nhistory_size = 0" });
    expect(namespaces.get("device")).toEqual(CLOSED);
  });

  test("reads the name of a namespace that holds the separator of variables", () => {
    const { namespaces } = load({ env: { POSTHORN_CHANNELS__A__B__HISTORY_SIZE: "2" } });
    expect(namespaces.get("a__b")?.retention?.sizeMax).toBe(2);
  });
});

describe("loadConfig() for development", () => {
  test("listens on the loopback address and keeps everything in memory, whatever the file says", () => {
    const toml = "[server]\nhost = '0.0.0.0'\ndata = '/var/lib/posthorn'";
    const env = { POSTHORN_SERVER__HOST: "0.0.0.0", POSTHORN_SERVER__DATA: "/d" };
    const { dev, server, store } = load({ toml, env, flags: { dev: true } });
    expect([dev, server.host, store.location]).toEqual([true, "127.0.0.1", "memory"]);
  });

  test("obeys --host and --data", () => {
    const { server, store } = load({ flags: { dev: true, host: "0.0.0.0", data: "/d" } });
    expect([server.host, store.location]).toEqual(["0.0.0.0", { file: "/d/posthorn.db" }]);
  });
});

describe("loadConfig() of what cannot be used", () => {
  test("throws one fault that tells every problem with its key, its source and what was wanted", () => {
    const sources = {
      toml: `[sever]
port = 1
[server]
prot = 80
port = 70000
[channels.device]
history_ttl = "1 day"
[channels."Bad Name"]
`,
      env: { POSTHORN_LOGIN__VISITORS: "yes", POSTHORN_LOG__LEVL: "debug" },
      flags: { host: "localhost:80" },
    };
    expect(problemsWith(sources).toSorted()).toEqual([
      "POSTHORN_LOG__LEVL (environment): there is no such key, did you mean POSTHORN_LOG__LEVEL?",
      'channels."Bad Name" (posthorn.toml:8): got namespace "Bad Name", wanted 1 to 64 of a-z 0-9 _ - with a letter first',
      'channels.device.history_ttl (posthorn.toml:7): got "1 day", wanted a duration from 1s to 365d, such as "500ms", "90s", "15m", "24h" or "7d"',
      'login.visitors (POSTHORN_LOGIN__VISITORS): got "yes", wanted true or false',
      'server.host (--host): got "localhost:80", wanted an address or a host name without a port, such as "0.0.0.0", "::" or "127.0.0.1"',
      "server.port (posthorn.toml:5): got 70000, wanted a whole number from 0 to 65535 (TCP port)",
      "server.prot (posthorn.toml:4): there is no such key, did you mean server.port?",
      "sever (posthorn.toml:1): there is no such key, did you mean server?",
    ]);
    expect(() => load(sources)).toThrow(/^Cannot use configuration: 8 problems\n {2}/);
  });

  test("puts a single problem on the fault's one line", () => {
    const fault = catchFault(() => load({ flags: { port: "http" } }));
    expect(fault.code).toBe("config_invalid");
    expect(fault.message).toBe(
      'Cannot use configuration: server.port (--port): got "http", wanted a whole number from 0 to 65535 (TCP port)',
    );
  });

  test.each([
    ["port = 1", "port (posthorn.toml:1): there is no such key, did you mean server.port?"],
    ["[server]\ncert = 'x'", "did you mean tls.cert?"],
    ["[api]\nkey = 'canary'", "did you mean api.keys?"],
    ["[devices]\nkey = 'canary'", "did you mean devices.fleet_keys?"],
    [
      "[logins.wechat]\nprovider = 'wechat'\napp_id = 'a'\nsecret = 's'\nkey = 'k'",
      "did you mean logins.wechat.secret?",
    ],
    ["[server]\nkey = 'x'", "did you mean tls.key?"],
    ["[server]\nurl = 'http://x'", "did you mean server.public_url?"],
    ["[channels.chat]\nhistroy_size = 1", "did you mean channels.chat.history_size?"],
    ["[device]\nx = 1", "device (posthorn.toml:1): there is no such key"],
    ["[server]\nbanana = 1", "there is no such key, known here: host, port, data, public_url"],
    [
      "banana = 1",
      "known here: server, tls, acme, store, tokens, api, callbacks, clients, login, sessions, devices, limits, log",
    ],
  ])("names for %j the key that was meant, or those there are", (toml, wanted) => {
    expect(problemsWith({ toml })).toEqual([expect.stringContaining(wanted)]);
  });

  test.each([
    ["POSTHORN_SERVER__PROT", "did you mean POSTHORN_SERVER__PORT?"],
    ["POSTHORN_SERVER_PORT", "did you mean POSTHORN_SERVER__PORT?"],
    ["POSTHORN_PORT", "did you mean POSTHORN_SERVER__PORT?"],
    ["POSTHORN_TOKENS__SECRT", "did you mean POSTHORN_TOKENS__SECRET?"],
    [
      "POSTHORN_CHANNELS__CHAT__HISTORY",
      "known here: history_size, history_ttl, history_meta_ttl, force_recovery",
    ],
    ["POSTHORN_BANANA__X", "there is no such section, known: server, tls"],
    ["POSTHORN_SEVER__PROT", "did you mean POSTHORN_SERVER__PORT?"],
    ["POSTHORN_SERVER__PORT__X", "did you mean POSTHORN_SERVER__PORT?"],
    ["POSTHORN_CONSTRUCTOR__NAME", "there is no such section"],
    ["POSTHORN_SERVER__CONSTRUCTOR", "there is no such key"],
  ])("refuses the variable %s", (name, wanted) => {
    const problems = problemsWith({ env: { [name]: "canary" } });
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).toStartWith(`${name} (environment): `);
    expect(problems.join()).not.toContain("canary");
  });

  test.each([
    ["server = 5", "server (posthorn.toml:1): got 5, wanted a table"],
    ["tls = []", "tls (posthorn.toml:1): got a list of 0, wanted a table"],
    ["[channels]\ndevice = 4", "channels.device (posthorn.toml:2): got 4, wanted a table"],
    ["[server]\nport = '80'", 'got "80", wanted a whole number'],
    ["[server]\nport = 80.5", "got 80.5, wanted a whole number"],
    ["[server]\nport = nan", "got NaN, wanted a whole number"],
    ["[server]\nhost = ['a']", "got a list of 1, wanted an address"],
    ["[server]\nhost = {a = 1}", "got a table, wanted an address"],
    ["[server]\nhost = 2026-01-01", "got a date, wanted an address"],
    ["[server]\nhost = ''", 'got "", wanted an address'],
    ["[server]\nhost = 'http://x'", "wanted an address"],
    ["[server]\npublic_url = 'ftp://x'", "wanted an http or https URL"],
    ["[server]\npublic_url = 'https://u:p@x'", "wanted an http or https URL"],
    ["[server]\npublic_url = 'https://x/?a'", "wanted an http or https URL"],
    ["[server]\ndata = ''", "wanted the path of a directory"],
    ["[login]\nvisitors = 'true'", 'got "true", wanted true or false'],
    ["[store]\nsync = 'off'", 'wanted one of "full", "normal"'],
    ["[limits]\nping_interval = 25", "got 25, wanted a duration from 1s to 10m"],
    ["[limits]\nping_interval = '11m'", 'got "11m", wanted a duration from 1s to 10m'],
    ["[limits]\nframe_max_bytes = '64kb'", 'got "64kb", wanted a size from 1KB to 16MB'],
    ["[limits]\nframe_max_bytes = 10", "got 10, wanted a size from 1KB to 16MB"],
    ["[channels.chat]\nhistory_size = -1", "got -1, wanted a whole number from 0 to 1000000"],
  ])("tells for %j what was found and what was wanted", (toml, wanted) => {
    expect(problemsWith({ toml })).toEqual([expect.stringContaining(wanted)]);
  });

  test("cuts a long value short", () => {
    const [problem = ""] = problemsWith({ toml: `[store]\nsync = "${"x".repeat(5000)}"` });
    expect(problem.length).toBeLessThan(200);
  });

  test.each([
    [
      { toml: "[tls]\ncert = 'c'" },
      "tls.key (not set): got nothing, wanted the path of the private key that belongs to tls.cert",
    ],
    [
      { env: { POSTHORN_TLS__KEY: "k" } },
      "tls.cert (not set): got nothing, wanted the path of the certificate that belongs to tls.key",
    ],
    [
      { toml: `[tokens]\nprevious_secret = "${SECRET}"` },
      "tokens.secret (not set): got nothing, wanted the current secret",
    ],
    [
      { toml: "[limits]\nping_interval = '5s'" },
      'limits.pong_timeout (not set): got the default "8s", wanted less than limits.ping_interval (5s)',
    ],
    [
      { toml: "[limits]\nping_interval = '8500ms'" },
      'limits.ping_interval (posthorn.toml:2): got "8500ms", wanted whole seconds',
    ],
    [
      { toml: "[limits]\nevent_max_bytes = '2MB'\nqueue_max_bytes = '4MB'" },
      'limits.event_max_bytes (posthorn.toml:2): got "2MB", wanted at most limits.body_max_bytes (1MB)',
    ],
    [
      {
        env: { POSTHORN_LIMITS__QUEUE_MAX_BYTES: "64KB", POSTHORN_LIMITS__EVENT_MAX_BYTES: "65KB" },
      },
      'limits.queue_max_bytes (POSTHORN_LIMITS__QUEUE_MAX_BYTES): got "64KB", wanted at least limits.event_max_bytes (65KB)',
    ],
    [
      { toml: "[limits]\nchannels_per_client = 300" },
      "limits.commands_burst (not set): got the default 256, wanted at least limits.channels_per_client (300)",
    ],
  ])("refuses keys that do not go together: %j", (sources, wanted) => {
    expect(problemsWith(sources)).toEqual([expect.stringContaining(wanted)]);
  });
});

describe("loadConfig() and secrets", () => {
  test.each([
    [
      { toml: "[tokens]\nsecret = 'canary'" },
      "got a text of 6 characters, wanted a text of at least 32",
    ],
    [{ env: { POSTHORN_TOKENS__SECRET: "canary" } }, "got a text of 6 characters"],
    [{ env: { POSTHORN_TOKENS__SECRET: "" } }, "got a text of 0 characters"],
    [{ toml: "[tokens]\nsecret = 123454321" }, "got a number"],
    [{ toml: "[tokens]\nsecret = ['canary']" }, "got a list of 1"],
    [{ toml: "[tokens]\nsecrett = 'canary'" }, "did you mean tokens.secret?"],
  ])("tells what is wrong with %j and not what it is", (sources, wanted) => {
    const problems = problemsWith(sources);
    expect(problems).toEqual([expect.stringContaining(wanted)]);
    expect(problems.join()).not.toMatch(/canary|123454321/);
  });
});

describe("loadConfig() of a text that is not TOML", () => {
  test.each([
    ["[server\nport = 1", "posthorn.toml:1:8"],
    ["[server]\nport = \n", "posthorn.toml:2:"],
    ["[a]\n[a]\n", "posthorn.toml:2:"],
    ['[tokens]\nsecret = "canary\n', "posthorn.toml:2:"],
    ["[tokens]\nsecret = canary\n", "posthorn.toml:2:"],
  ])("names the line and the column in %j and quotes nothing", (toml, place) => {
    const { message, cause, stack } = catchFault(() => load({ toml }));
    expect(message).toStartWith("Cannot use configuration: ");
    expect(message).toContain(place);
    expect([message, String(cause), stack].join()).not.toContain("canary");
    expect(message.split("\n")).toHaveLength(1);
  });
});

function catchFault(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("Cannot go on: nothing was thrown");
}
