import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

const PAIR = "[tls]\ncert = 'c.pem'\nkey = 'k.pem'\n";
const SHOP = "[certificates.shop]\ncert = 's.pem'\nkey = 't.pem'\n";

describe("the configuration of TLS", () => {
  test("is a pair of files and what else there is, all of it found from the working directory", () => {
    const toml = `${PAIR}min_version = "1.3"\nclient_ca = 'ca.pem'\n${SHOP}
      [server]
      devices_port = 8443
      http_port = 80
      http_serves = "everything"`;
    const { tls, server } = load({ toml, cwd: "/srv" });
    expect(tls).toEqual({
      first: { certFile: "/srv/c.pem", keyFile: "/srv/k.pem" },
      minVersion: "1.3",
      clientCaFile: "/srv/ca.pem",
      more: new Map([["shop", { certFile: "/srv/s.pem", keyFile: "/srv/t.pem" }]]),
    });
    expect(server).toMatchObject({ devicesPort: 8443, httpPort: 80, httpServes: "everything" });
  });

  test("speaks TLS 1.2 and has no other port unless it is told to", () => {
    const { tls, server } = load({ toml: PAIR });
    expect(tls).toEqual({
      first: { certFile: "c.pem", keyFile: "k.pem" },
      minVersion: "1.2",
      more: new Map(),
    });
    expect(Object.keys(server)).not.toContain("httpPort");
    expect(Object.keys(server)).not.toContain("devicesPort");
  });

  const cases: readonly (readonly [what: string, toml: string, problem: string])[] = [
    [
      "another certificate alone",
      SHOP,
      "certificates.shop (posthorn.toml:1): got it without tls.cert",
    ],
    ["half of a pair", `${PAIR}[certificates.shop]\ncert = 's'`, "certificates.shop.key ("],
    [
      "plain http beside plain http",
      "[server]\nhttp_port = 80",
      "server.http_port (posthorn.toml:2): got it without tls.cert",
    ],
    [
      "devices without their authority",
      `${PAIR}[server]\ndevices_port = 1`,
      "server.devices_port (posthorn.toml:5): got it without tls.cert or tls.client_ca",
    ],
    [
      "an authority that nobody is asked for",
      `${PAIR}client_ca = 'a'`,
      "tls.client_ca (posthorn.toml:4): got it without server.devices_port",
    ],
    [
      "certificates that can be shown nowhere",
      "[devices]\nrequire_certificate = true",
      "devices.require_certificate (posthorn.toml:2): got true without server.devices_port",
    ],
    [
      "one port for https and plain http",
      `${PAIR}[server]\nport = 8443\nhttp_port = 8443`,
      "server.http_port (posthorn.toml:6): got 8443, the port of server.port too, wanted another",
    ],
    [
      "one port for https and devices",
      `${PAIR}client_ca = 'a'\n[server]\nport = 8443\ndevices_port = 8443`,
      "server.devices_port (posthorn.toml:7): got 8443, the port of server.port too, wanted another",
    ],
    [
      "one port for plain http and devices",
      `${PAIR}client_ca = 'a'\n[server]\nhttp_port = 8081\ndevices_port = 8081`,
      "server.devices_port (posthorn.toml:7): got 8081, the port of server.http_port too",
    ],
    ["an old version", `${PAIR}min_version = "1.1"`, 'wanted one of "1.2", "1.3"'],
    [
      "a name for a certificate that is none",
      `${PAIR}[certificates."a b"]\ncert = 's'\nkey = 't'`,
      'got name "a b"',
    ],
  ];
  test.each(cases)("is refused with %s", (_, toml, problem) => {
    expect(problemsWith({ toml })).toEqual([expect.stringContaining(problem)]);
  });

  test("may leave every port to the system", () => {
    const toml = `${PAIR}client_ca = 'a'\n[server]\nport = 0\nhttp_port = 0\ndevices_port = 0`;
    expect(problemsWith({ toml })).toEqual([]);
  });

  test("is refused with a port of the command line that is taken", () => {
    const toml = `${PAIR}[server]\nhttp_port = 8081`;
    const [problem] = problemsWith({ toml, flags: { port: "8081" } });
    expect(problem).toContain(
      "server.http_port (posthorn.toml:5): got 8081, the port of server.port",
    );
  });

  test("is refused with more certificates than a listener can hold", () => {
    const tables = Array.from({ length: 101 }, (_, index) => SHOP.replace("shop", `n${index}`));
    expect(problemsWith({ toml: PAIR + tables.join("") })).toEqual([
      expect.stringContaining("got 101 tables, wanted at most 100"),
    ]);
  });
});
