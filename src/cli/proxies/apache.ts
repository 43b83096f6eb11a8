import { headOf, type ProxySetup } from "./setup.ts";

/** A configuration for Apache 2.4.47 or later, whose mod_proxy_http knows websockets. */
export function apacheConfig(setup: ProxySetup): string {
  const { host, port, isSecure, clientsMax } = setup;
  const lines = [
    ...headOf(setup, {
      name: "Apache",
      file: "/etc/apache2/sites-available/posthorn.conf",
      reload:
        "a2enmod headers proxy proxy_http ssl && a2ensite posthorn && systemctl reload apache2",
    }),
    "#",
    "# A client takes a thread of Apache for as long as it is connected: MaxRequestWorkers of mpm_event bounds",
    `# them, and by default is 150. Where clients are many (Posthorn takes ${clientsMax}), nginx or Caddy is better.`,
    "",
    ...(port === 80 || port === 443 ? [] : [`Listen ${port}`, ""]),
    `<VirtualHost *:${port}>`,
    ...[`ServerName ${host}`, "", ...(isSecure ? tlsLines(setup) : []), ...proxyLines(setup)].map(
      indented,
    ),
    "</VirtualHost>",
  ];
  return `${lines.join("\n")}\n`;
}

function tlsLines({ certFile, keyFile }: ProxySetup): readonly string[] {
  return [
    "SSLEngine on",
    "# The certificate with its intermediates: phones do not fetch what is missing.",
    `SSLCertificateFile    ${JSON.stringify(certFile)}`,
    `SSLCertificateKeyFile ${JSON.stringify(keyFile)}`,
    "SSLProtocol -all +TLSv1.2 +TLSv1.3",
    "",
  ];
}

function proxyLines(setup: ProxySetup): readonly string[] {
  const { upstream, isUpstreamSecure, prefix, isSecure, bodyMaxBytes, idleSeconds } = setup;
  const target = `${isUpstreamSecure ? "https" : "http"}://${upstream}/`;
  return [
    ...(isUpstreamSecure ? ["SSLProxyEngine on", ""] : []),
    "# Who asks for what: pages are let in by their host, and limits count addresses.",
    "ProxyPreserveHost On",
    "# What a client writes goes first; then Apache adds the address it sees.",
    "RequestHeader unset X-Forwarded-For early",
    "RequestHeader unset Forwarded early",
    'RequestHeader set X-Real-IP "expr=%{REMOTE_ADDR}"',
    `RequestHeader set X-Forwarded-Proto "${isSecure ? "https" : "http"}"`,
    "",
    "# Heartbeats come far more often, and a poll of a device is held for 50 s.",
    `ProxyTimeout ${idleSeconds}`,
    "# Posthorn has limits of its own.",
    `LimitRequestBody ${bodyMaxBytes}`,
    "",
    "# Websockets pass, and streams at once. No connection is kept that Posthorn may be about to close.",
    `ProxyPass "${prefix}/" "${target}" upgrade=websocket flushpackets=on disablereuse=on`,
  ];
}

function indented(line: string): string {
  return line === "" ? "" : `    ${line}`;
}
