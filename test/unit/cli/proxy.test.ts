import { describe, expect, test } from "bun:test";
import { Terminal } from "./terminal.ts";

/** What a command prints for a configuration. */
async function printed(toml: string, ...args: string[]): Promise<string> {
  await using terminal = await Terminal.open();
  await terminal.workspace.write("posthorn.toml", toml);
  const { code, stdout, stderr } = await terminal.run("proxy", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

const CONFIG = `
[server]
host = "127.0.0.1"
port = 9000
public_url = "https://horn.example.org:8443/push"
trusted_proxies = ["10.0.0.0/8"]
[limits]
body_max_bytes = "2MB"
ndjson_max_bytes = "1MB"
ping_interval = "4m"
pong_timeout = "30s"
`;

const TRUSTED = '#   trusted_proxies = ["10.0.0.0/8", "127.0.0.1", "::1"]';

describe("posthorn proxy", () => {
  test("takes port, path, bounds and times for nginx from the configuration", async () => {
    const text = await printed(CONFIG, "nginx");
    for (const line of [
      TRUSTED,
      '#   public_url = "https://horn.example.org:8443/push"',
      "listen 8443 ssl;",
      "server_name horn.example.org;",
      "location /push/ {",
      "proxy_pass http://127.0.0.1:9000/;",
      "client_max_body_size 2097152;",
      // Twice the longest time in which nothing need be said.
      "proxy_read_timeout 540s;",
      "ssl_certificate     /etc/letsencrypt/live/horn.example.org/fullchain.pem;",
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain("listen 80");
    expect(text).not.toContain("#   host =");
  });

  test("takes the same for Caddy and Apache", async () => {
    const caddy = await printed(CONFIG, "caddy");
    for (const line of [
      TRUSTED,
      "https://horn.example.org:8443 {",
      "handle_path /push/* {",
      "max_size 2097152",
      "reverse_proxy 127.0.0.1:9000 {",
      "header_up X-Forwarded-For {remote_host}",
    ]) {
      expect(caddy).toContain(line);
    }
    expect(caddy).not.toContain("tls ");
    const apache = await printed(CONFIG, "apache");
    for (const line of [
      TRUSTED,
      "Listen 8443",
      "<VirtualHost *:8443>",
      "LimitRequestBody 2097152",
      "ProxyTimeout 540",
      "RequestHeader unset X-Forwarded-For early",
      'ProxyPass "/push/" "http://127.0.0.1:9000/" upgrade=websocket',
    ]) {
      expect(apache).toContain(line);
    }
  });

  test("says without any configuration what else has to be set", async () => {
    const text = await printed("", "nginx");
    for (const line of [
      '#   host = "127.0.0.1"',
      '#   public_url = "https://push.example.com"',
      "return 308 https://$host$request_uri;",
      "listen 443 ssl;",
      "proxy_pass http://127.0.0.1:8077;",
      "client_max_body_size 67108864;",
      "proxy_read_timeout 120s;",
    ]) {
      expect(text).toContain(line);
    }
  });

  test("trusts the address of a proxy on another machine, and lets it dial", async () => {
    const text = await printed("", "nginx", "--from", "10.0.0.1", "--upstream", "10.0.0.2:8077");
    expect(text).toContain('#   trusted_proxies = ["10.0.0.1"]');
    expect(text).not.toContain("#   host =");
    expect(text).toContain("proxy_pass http://10.0.0.2:8077;");
  });

  test("dials a server that speaks TLS itself by https", async () => {
    const tls =
      "[tls]\ncert = 'c'\nkey = 'k'\n[server]\nhost = '::'\npublic_url = 'https://a.example'";
    const text = await printed(tls, "nginx", "--cert", "/a b/c.pem", "--key", "k.pem");
    expect(text).toContain("proxy_pass https://[::1]:8077;");
    expect(text).toContain("proxy_ssl_name a.example;");
    expect(text).toContain('ssl_certificate     "/a b/c.pem";');
    expect(await printed(tls, "caddy", "--cert", "c", "--key", "k")).toContain("tls c k");
    expect(await printed(tls, "apache")).toContain("SSLProxyEngine on");
  });

  test("says what has to change where the proxy is to listen at Posthorn's own ports", async () => {
    const own =
      "[tls]\ncert = 'c'\nkey = 'k'\n[server]\nport = 443\nhttp_port = 80\npublic_url = 'https://a.example'";
    for (const [proxy, upstream] of [
      ["nginx", "proxy_pass https://127.0.0.1:8077;"],
      ["caddy", "reverse_proxy 127.0.0.1:8077 {"],
      ["apache", '"https://127.0.0.1:8077/"'],
    ] as const) {
      const text = await printed(own, proxy);
      expect(text).toContain("#   port = 8077\n");
      expect(text).toContain("# server.port is 443 now, where the proxy is to listen: it has to");
      expect(text).toContain("# server.http_port is 80, which is the proxy's: it has to go.");
      expect(text).toContain(upstream);
    }
    const apart = await printed(own, "nginx", "--from", "10.0.0.1");
    expect(apart).toContain("proxy_pass https://127.0.0.1:443;");
    expect(apart).not.toContain("has to");
    const chosen = "[server]\nport = 8077\npublic_url = 'https://a.example:8077'";
    expect(await printed(chosen, "nginx")).toContain("proxy_pass http://127.0.0.1:8078;");
  });

  test("speaks plain http where public_url does", async () => {
    const http = "[server]\npublic_url = 'http://10.1.1.1'";
    expect(await printed(http, "nginx")).not.toContain("ssl");
    expect(await printed(http, "caddy")).toContain("http://10.1.1.1:80 {");
    const apache = await printed(http, "apache");
    expect(apache).not.toContain("SSLEngine");
    expect(apache).toContain('X-Forwarded-Proto "http"');
  });
});
