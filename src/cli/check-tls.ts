import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { readCertificateParts } from "../compose/certificates.ts";
import type { Config } from "../config/config.ts";
import type { CertificateConfig, TlsConfig } from "../config/tls-schema.ts";
import { Fault } from "../core/faults.ts";
import { currentHost } from "../runtime/current-host.ts";
import { createLog } from "../telemetry/log.ts";
import type { Finding as TlsFinding } from "../tls/finding.ts";
import { placedText } from "../tls/fitness.ts";
import type { CertificateState } from "../tls/kept-certificate.ts";
import { probeAcme } from "./check-acme.ts";
import type { Finding } from "./checks.ts";
import type { CommandContext } from "./command.ts";
import { explainIo } from "./io-errors.ts";

/** Looks at every certificate as a start does. */
export async function probeTls(
  { tls, server }: Config,
  { clock }: CommandContext,
): Promise<Finding[]> {
  if (tls === undefined) return [plainFinding(server.publicUrl)];
  const tables = [...firstTable(tls), ...[...tls.more].map(moreTable)];
  const unreadable = await Promise.all(tables.map(([name, files]) => unreadableIn(name, files)));
  // A start names the first file only that it cannot read.
  if (unreadable.flat().length > 0) return unreadable.flat();
  const log = createLog({ level: "error", format: "text", clock, write: () => {} });
  const { fullTls } = (await currentHost(log)).capabilities;
  const missing = !fullTls && needsFullTls(tls) ? [missingFinding()] : [];
  try {
    const parts = await readCertificateParts({ tls, server }, { clock, log });
    const findings = (parts?.served.findings() ?? []).map(toFinding);
    const states = parts?.served.states() ?? [];
    const filesOf = new Map<string, CertificateConfig>(tables);
    const fit = states.flatMap((it) => fitFinding(it, filesOf.get(it.name)));
    const ours = "certFile" in tls.first ? [] : await probeAcme(tls.first, server, parts?.acme);
    return [...ours, ...(findings.length === 0 ? fit : findings), ...missing];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const remedy = remedyFor("tls");
    return [{ status: "fail", found: error.detail ?? error.message, remedy }];
  }
}

function toFinding(finding: TlsFinding): Finding {
  const { severity, remedy } = finding;
  return { status: severity === "error" ? "fail" : "warn", found: placedText(finding), remedy };
}

function needsFullTls({ more, minVersion, clientCaFile }: TlsConfig): boolean {
  return more.size > 0 || minVersion !== "1.2" || clientCaFile !== undefined;
}

function missingFinding(): Finding {
  const found =
    "this runtime has one certificate and TLS 1.2 or newer, not [certificates], tls.min_version and tls.client_ca";
  return { status: "fail", found, remedy: "Use the executable" };
}

function firstTable({ first }: TlsConfig) {
  return "certFile" in first ? [["tls", first] as const] : [];
}

function moreTable([name, files]: readonly [string, CertificateConfig]) {
  return [`certificates.${name}`, files] as const;
}

function fitFinding(
  { expiresAtMs }: CertificateState,
  files: CertificateConfig | undefined,
): Finding[] {
  if (files === undefined) return [];
  const end = new Date(expiresAtMs).toISOString().slice(0, 10);
  return [{ status: "ok", found: `${files.certFile}, until ${end}` }];
}

function remedyFor(table: string): string {
  return `Correct ${table}.cert and ${table}.key, or make files for a test with: posthorn cert`;
}

async function unreadableIn(
  table: string,
  { certFile, keyFile }: CertificateConfig,
): Promise<Finding[]> {
  const files = [
    [`${table}.cert`, certFile],
    [`${table}.key`, keyFile],
  ] as const;
  const findings = files.map(async ([key, file]): Promise<Finding[]> => {
    try {
      await access(file, constants.R_OK);
      return [];
    } catch (error) {
      const found = `${key}: cannot read ${resolve(file)}: ${explainIo(error)}`;
      return [{ status: "fail", found, remedy: remedyFor(table) }];
    }
  });
  return (await Promise.all(findings)).flat();
}

function plainFinding(publicUrl: string | undefined): Finding {
  if (!publicUrl?.startsWith("https:")) {
    return { status: "ok", found: "none configured: plain http and ws" };
  }
  const found = `none configured, yet server.public_url is ${publicUrl}`;
  const remedy = "Set tls.cert and tls.key, unless a proxy in front terminates TLS";
  return { status: "warn", found, remedy };
}
