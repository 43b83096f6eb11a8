import type { TlsFiles } from "../core/ports/host.ts";
import { type Certificate, readCertificates } from "./certificate.ts";
import type { OfferedCertificate } from "./certificate-source.ts";
import type { Finding, FindingCode } from "./finding.ts";
import type { HostName } from "./host-names.ts";
import { inspectCertificate } from "./inspect.ts";
import { encodePem, isCertificate, isPrivateKey, readPemBlocks } from "./pem.ts";
import { rehearse } from "./rehearse.ts";

/** What a certificate is for. */
export interface LintOptions {
  /** The table of the configuration that it is from, for the texts of findings; `tls` by default. */
  readonly section?: string;
  /** The hosts clients dial, as `URL.hostname` gives them. */
  readonly publicHosts: readonly string[];
  readonly now: Date;
}

/** A certificate, and what is to be thought of it. */
export interface LoadedTls {
  /** Only the PEM blocks that matter, tidied: the runtimes differ in what clutter they take. */
  readonly files: TlsFiles;
  /** `files` MUST NOT be served when one of these is an error, but for one that is only past its time. */
  readonly findings: readonly Finding[];
  /** When the server's certificate ends; 0 when a finding says that there is none to read. */
  readonly expiresAtMs: number;
  /** The hosts it is for. */
  readonly hosts: readonly HostName[];
}

const NO_CERTIFICATE: readonly FindingCode[] = ["certificate_missing", "certificate_unreadable"];
const PAST_ITS_TIME: FindingCode = "certificate_expired";
const FIRST_SECTION = "tls";

/** Looks at all there is to see of a certificate, its chain and its key. */
export async function lintCertificate(
  { cert, key, findings, isMeantime = false }: OfferedCertificate,
  { section = FIRST_SECTION, publicHosts, now }: LintOptions,
): Promise<LoadedTls> {
  const seen = await inspectCertificate({ cert, key, publicHosts, now });
  const leaf = leafOf(cert, seen);
  const files = tidy(cert, key);
  const isFit = seen.every(({ severity, code }) => severity !== "error" || code === PAST_ITS_TIME);
  const all = [...seen, ...(isFit ? rehearse(files) : [])];
  return {
    files,
    findings: isMeantime ? [] : [...all.map((it) => spokenOf(section, it)), ...findings],
    expiresAtMs: leaf?.notAfter.getTime() ?? 0,
    hosts: leaf?.hosts ?? [],
  };
}

/** Findings speak of the keys of `[tls]`; those of another table have the same names. */
function spokenOf(section: string, finding: Finding): Finding {
  const rename = (text: string) => text.replace(/\btls\.(?=(?:cert|key)\b)/g, `${section}.`);
  return { ...finding, found: rename(finding.found), remedy: rename(finding.remedy) };
}

function tidy(cert: string, key: string): TlsFiles {
  const certificates = readPemBlocks(cert).filter(isCertificate);
  const keyBlock = readPemBlocks(key).find(isPrivateKey);
  return {
    cert: certificates.map(({ base64 }) => encodePem("CERTIFICATE", base64)).join(""),
    key: keyBlock ? encodePem(keyBlock.label, keyBlock.base64) : "",
  };
}

function leafOf(cert: string, findings: readonly Finding[]): Certificate | undefined {
  if (findings.some(({ code }) => NO_CERTIFICATE.includes(code))) return undefined;
  return readCertificates(cert)[0];
}
