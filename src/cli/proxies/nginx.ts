import { headOf, type ProxySetup } from "./setup.ts";

const HTTPS_PORT = 443;

/** A configuration for nginx 1.13 or later, to be included in its `http`. */
export function nginxConfig(setup: ProxySetup): string {
  const { host, port, isSecure, clientsMax } = setup;
  const lines = [
    ...headOf(setup, {
      name: "nginx",
      file: "/etc/nginx/conf.d/posthorn.conf",
      reload: "nginx -t && nginx -s reload",
    }),
    "#",
    "# A client takes two of nginx's connections. For as many clients as Posthorn takes, /etc/nginx/nginx.conf",
    `# needs: worker_rlimit_nofile ${2 * clientsMax + 1_000}; events { worker_connections ${2 * clientsMax}; }`,
    "",
    "map $http_upgrade $posthorn_connection {",
    "    default upgrade;",
    "    ''      close;",
    "}",
    "",
    ...(isSecure && port === HTTPS_PORT ? redirectLines(host) : []),
    "server {",
    ...listenLines(setup).map(indented),
    "",
    ...locationLines(setup).map(indented),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function redirectLines(host: string): readonly string[] {
  return [
    "server {",
    "    listen 80;",
    "    listen [::]:80;",
    `    server_name ${host};`,
    "    return 308 https://$host$request_uri;",
    "}",
    "",
  ];
}

function listenLines({ port, isSecure, host, certFile, keyFile }: ProxySetup): readonly string[] {
  const ssl = isSecure ? " ssl" : "";
  const name = [`listen ${port}${ssl};`, `listen [::]:${port}${ssl};`, `server_name ${host};`];
  if (!isSecure) return name;
  return [
    ...name,
    "",
    "# The certificate with its intermediates: phones do not fetch what is missing.",
    `ssl_certificate     ${quoted(certFile)};`,
    `ssl_certificate_key ${quoted(keyFile)};`,
    "ssl_protocols       TLSv1.2 TLSv1.3;",
  ];
}

function locationLines(setup: ProxySetup): readonly string[] {
  const { upstream, isUpstreamSecure, prefix, host, bodyMaxBytes, idleSeconds } = setup;
  const scheme = isUpstreamSecure ? "https" : "http";
  // With a path behind it nginx takes off the prefix, without one it leaves the path as it is.
  const target = `${scheme}://${upstream}${prefix === "" ? "" : "/"}`;
  return [
    `location ${prefix}/ {`,
    ...[
      `proxy_pass ${target};`,
      ...(isUpstreamSecure ? ["proxy_ssl_server_name on;", `proxy_ssl_name ${host};`] : []),
      "",
      "# Websockets: without these three lines no handshake arrives.",
      "proxy_http_version 1.1;",
      "proxy_set_header Upgrade $http_upgrade;",
      "proxy_set_header Connection $posthorn_connection;",
      "",
      "# Who asks for what: pages are let in by their host, and limits count addresses.",
      "proxy_set_header Host $http_host;",
      "proxy_set_header X-Forwarded-For $remote_addr;",
      "proxy_set_header X-Forwarded-Proto $scheme;",
      "proxy_set_header X-Real-IP $remote_addr;",
      'proxy_set_header Forwarded "";',
      "",
      "# Heartbeats come far more often, and a poll of a device is held for 50 s; nginx's own 60 s is too close.",
      `proxy_read_timeout ${idleSeconds}s;`,
      `proxy_send_timeout ${idleSeconds}s;`,
      "",
      "# Streams pass at once, and so do large posts; Posthorn has limits of its own.",
      "proxy_buffering off;",
      "proxy_request_buffering off;",
      `client_max_body_size ${bodyMaxBytes};`,
    ].map(indented),
    "}",
  ];
}

function quoted(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : `"${path.replace(/["\\$]/g, "\\$&")}"`;
}

function indented(line: string): string {
  return line === "" ? "" : `    ${line}`;
}
