import { headOf, type ProxySetup } from "./setup.ts";

/** A Caddyfile for Caddy 2.5 or later, which gets its certificate itself. */
export function caddyConfig(setup: ProxySetup, hasOwnCertificate: boolean): string {
  const { isSecure, host, port, prefix, certFile, keyFile } = setup;
  const body = [
    ...(isSecure && hasOwnCertificate ? [`tls ${quoted(certFile)} ${quoted(keyFile)}`, ""] : []),
    ...(prefix === ""
      ? proxyLines(setup)
      : [`handle_path ${prefix}/* {`, ...proxyLines(setup).map(indented), "}"]),
  ];
  const lines = [
    ...headOf(setup, {
      name: "Caddy",
      file: "/etc/caddy/Caddyfile",
      reload: "caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy",
    }),
    "#",
    "# A reload of Caddy ends every websocket; from Caddy 2.7 on stream_close_delay puts that off.",
    "",
    `${isSecure ? "https" : "http"}://${host}:${port} {`,
    ...body.map(indented),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

/** Websockets and the Host header pass by themselves, and what is silent is cut by nobody. */
function proxyLines(setup: ProxySetup): readonly string[] {
  const { upstream, bodyMaxBytes } = setup;
  return [
    "# Posthorn has limits of its own.",
    "request_body {",
    `\tmax_size ${bodyMaxBytes}`,
    "}",
    `reverse_proxy ${upstream} {`,
    "\t# Limits count addresses.",
    "\theader_up X-Forwarded-For {remote_host}",
    "\theader_up X-Real-IP {remote_host}",
    "\theader_up -Forwarded",
    "",
    "\t# Streams pass at once.",
    "\tflush_interval -1",
    ...transportLines(setup).map(indented),
    "}",
  ];
}

function transportLines({ isUpstreamSecure, host }: ProxySetup): readonly string[] {
  if (!isUpstreamSecure) return [];
  return ["transport http {", "\ttls", `\ttls_server_name ${host}`, "\tversions 1.1", "}"];
}

function quoted(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : JSON.stringify(path);
}

function indented(line: string): string {
  return line === "" ? "" : `\t${line}`;
}
