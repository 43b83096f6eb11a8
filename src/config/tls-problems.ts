import { LIMITS } from "../core/limits.ts";
import { formatKey, type KeyPath } from "./keys.ts";
import type { Problem } from "./problems.ts";
import type { FileConfig } from "./schema.ts";
import type { Layers } from "./sources.ts";

/** That of `server.http_port` beside acme.domains. */
const CHALLENGES_PORT = 80;

interface Rule {
  readonly path: KeyPath;
  readonly isBroken: boolean;
  readonly message: string;
}

/** What is wrong between the sections that are about TLS. */
export function tlsProblems(values: FileConfig, { originOf }: Layers): Problem[] {
  return rulesOf(values)
    .filter(({ isBroken }) => isBroken)
    .map(({ path, message }) => ({ key: formatKey(path), origin: originOf(path), message }));
}

function rulesOf(values: FileConfig): Rule[] {
  return [...tablesRules(values), ...portsRules(values)];
}

/**
 * Each listener needs a port of its own: for a takeover they share theirs with other processes, so the
 * system would not refuse two of ours at one port, and give each client to either.
 */
function portsRules({ server, acme }: FileConfig): Rule[] {
  const { port, http_port: plain, devices_port: devices } = server;
  const isTaken = (wanted: number | undefined, by: number | undefined) =>
    wanted !== undefined && wanted > 0 && wanted === by;
  const message = (other: string, value: number | undefined) =>
    `got ${value}, the port of ${other} too, wanted another port for one of the two`;
  const impliedPlain = plain ?? (acme.domains.length > 0 ? CHALLENGES_PORT : undefined);
  return [
    {
      path: ["server", "http_port"],
      isBroken: isTaken(plain, port),
      message: message("server.port", plain),
    },
    {
      path: ["server", "devices_port"],
      isBroken: isTaken(devices, port),
      message: message("server.port", devices),
    },
    {
      path: ["server", "devices_port"],
      isBroken: isTaken(devices, impliedPlain),
      message: message("server.http_port", devices),
    },
  ];
}

function tablesRules({ server, tls, acme, certificates, devices }: FileConfig): Rule[] {
  const isPlain = tls.cert === undefined && acme.domains.length === 0;
  const names = Object.keys(certificates);
  const [first = "name"] = names;
  const hasPort = server.devices_port !== undefined;
  return [
    {
      path: ["acme", "domains"],
      isBroken: tls.cert !== undefined && acme.domains.length > 0,
      message:
        "got it beside tls.cert, wanted one of the two: certificates of your own go into [certificates.<name>]",
    },
    {
      path: ["acme", "domains"],
      isBroken: acme.domains.length > LIMITS.hostsPerCertificate,
      message: `got ${acme.domains.length} names, wanted at most ${LIMITS.hostsPerCertificate}`,
    },
    {
      path: ["server", "port"],
      isBroken:
        acme.domains.length > 0 &&
        server.http_port === undefined &&
        server.port === CHALLENGES_PORT,
      message:
        "got 80, the port of server.http_port too, wanted another one, usually 443: acme.domains needs both",
    },
    {
      path: ["certificates", first],
      isBroken: isPlain && names.length > 0,
      message:
        "got it without tls.cert or acme.domains, wanted there the certificate for every other name",
    },
    {
      path: ["certificates"],
      isBroken: names.length > LIMITS.certificatesMax,
      message: `got ${names.length} tables, wanted at most ${LIMITS.certificatesMax}`,
    },
    {
      path: ["server", "http_port"],
      isBroken: isPlain && server.http_port !== undefined,
      message:
        "got it without tls.cert or acme.domains, wanted it beside TLS only: server.port is plain http",
    },
    {
      path: ["server", "devices_port"],
      isBroken: hasPort && (isPlain || tls.client_ca === undefined),
      message: "got it without tls.cert or tls.client_ca, wanted both of them too",
    },
    {
      path: ["tls", "client_ca"],
      isBroken: tls.client_ca !== undefined && !hasPort,
      message: "got it without server.devices_port, wanted a port that asks for these certificates",
    },
    {
      path: ["devices", "require_certificate"],
      isBroken: devices.require_certificate && !hasPort,
      message: "got true without server.devices_port, wanted a port where devices can show one",
    },
  ];
}
