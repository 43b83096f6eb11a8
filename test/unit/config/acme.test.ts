import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

const ACME = "[acme]\ndomains = ['push.example.com']\naccept_terms = true\n";
const PAIR = "[tls]\ncert = 'c.pem'\nkey = 'k.pem'\n";
const KEY = "a".repeat(32);

describe("the configuration of a certificate from an authority", () => {
  test("is a list of names, and gives the server TLS and plain http at port 80", () => {
    const { tls, server } = load({ toml: ACME, cwd: "/srv" });
    expect(tls).toEqual({
      first: {
        domains: ["push.example.com"],
        directoryUrl: "https://acme-v02.api.letsencrypt.org/directory",
        folder: "/srv/data/acme",
      },
      minVersion: "1.2",
      more: new Map(),
    });
    expect(server.httpPort).toBe(80);
  });

  test("takes names of other scripts and letters in their canonical form, each once", () => {
    const toml =
      "[acme]\ndomains = ['Push.Example.com', '推送.例子', 'push.example.com.']\naccept_terms = true";
    expect(load({ toml }).tls?.first).toMatchObject({
      domains: ["push.example.com", "xn--jzu200h.xn--fsqu00a"],
    });
  });

  test("takes another authority with its own account, and another port", () => {
    const toml = `${ACME}email = 'ops@example.com'\ndirectory = 'https://ca.test/dir'
      directory_ca = 'ca.pem'\neab_kid = 'kid'\neab_key = '${KEY}'\n[server]\nhttp_port = 8080`;
    const { tls, server } = load({ toml, cwd: "/srv" });
    expect(tls?.first).toEqual({
      domains: ["push.example.com"],
      email: "ops@example.com",
      directoryUrl: "https://ca.test/dir",
      directoryCaFile: "/srv/ca.pem",
      external: { kid: "kid", key: KEY },
      folder: "/srv/data/acme",
    });
    expect(server.httpPort).toBe(8080);
  });

  test("orders nothing in development, which keeps nothing", () => {
    const { tls, server } = load({ toml: ACME, flags: { dev: true } });
    expect(tls).toBeUndefined();
    expect(Object.keys(server)).not.toContain("httpPort");
  });

  test("is beside the certificates for other names", () => {
    const toml = `${ACME}[certificates.shop]\ncert = 's'\nkey = 't'`;
    expect([...(load({ toml }).tls?.more.keys() ?? [])]).toEqual(["shop"]);
  });

  const cases: readonly (readonly [what: string, toml: string, problem: string])[] = [
    ["terms not agreed to", ACME.replace("true", "false"), "acme.accept_terms (posthorn.toml:3)"],
    ["a wildcard", ACME.replace("push", "*"), "wanted a list of DNS names without wildcards"],
    ["an address", ACME.replace("push.example.com", "10.0.0.1"), "acme.domains (posthorn.toml:2)"],
    ["a URL", ACME.replace("push", "https://push"), "acme.domains (posthorn.toml:2)"],
    [
      "a certificate of one's own too",
      PAIR + ACME,
      "acme.domains (posthorn.toml:5): got it beside",
    ],
    ["half of an account", `${ACME}eab_kid = 'k'`, "acme.eab_key ("],
    ["the other half", `${ACME}eab_key = '${KEY}'`, "acme.eab_kid ("],
    ["a key that is none", `${ACME}eab_kid = 'k'\neab_key = 'not base64!'`, "acme.eab_key ("],
    ["a directory in plain text", `${ACME}directory = 'http://ca.test/'`, "wanted an https URL"],
    ["one port for both", `${ACME}[server]\nport = 80`, "server.port (posthorn.toml:5)"],
  ];
  test.each(cases)("is refused with %s", (_, toml, problem) => {
    expect(problemsWith({ toml })).toEqual([expect.stringContaining(problem)]);
  });

  test("is refused with more names than authorities take", () => {
    const names = Array.from({ length: 101 }, (_, index) => `'n${index}.test'`).join(",");
    const toml = `[acme]\ndomains = [${names}]\naccept_terms = true`;
    expect(problemsWith({ toml })).toEqual([expect.stringContaining("got 101 names")]);
  });
});
