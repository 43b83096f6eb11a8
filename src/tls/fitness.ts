import type { Fault } from "../core/faults.ts";
import type { CertificateSource } from "./certificate-source.ts";
import { errorFinding, type Finding } from "./finding.ts";
import type { LoadedTls } from "./lint-certificate.ts";

/** Fit for use, or past its time: who does not look at that is served on, as by a server that runs already. */
export function isUsable({ findings }: LoadedTls): boolean {
  return findings.every(
    ({ severity, code }) => severity !== "error" || code === "certificate_expired",
  );
}

/** Whether its time was yet to come when it was read. */
export function isPremature({ findings }: LoadedTls): boolean {
  return findings.some(({ code }) => code === "certificate_premature");
}

/** What is wrong with a renewal that has not a host any more. */
export function hostLost(host: string): Finding {
  return errorFinding(
    "host_uncovered",
    `The new certificate is not for ${host}, which the one in service is for`,
    `Put a certificate there that is for ${host}; if this one is meant, correct server.public_url and restart`,
  );
}

/** What a fault says beside its code. */
export function detailOf({ detail, message }: Fault): string {
  return detail ?? message;
}

/** What stands for a certificate that cannot be read. */
export function missingBy({ name }: CertificateSource, fault: Fault): LoadedTls {
  const remedy = `Correct ${name}.cert and ${name}.key: a running server takes them within a minute`;
  const finding = errorFinding("certificate_unreadable", detailOf(fault), remedy);
  const findings = [{ ...finding, certificate: name }];
  return { files: { cert: "", key: "" }, findings, expiresAtMs: 0, hosts: [] };
}

/** Everything that is so, and what to do about it, each in one line. */
export function inWords(findings: readonly Finding[]) {
  return {
    detail: findings.map(placedText).join(". "),
    remedy: [...new Set(findings.map(({ remedy }) => remedy))].join(". "),
  };
}

/** What is so, with where it is so. */
export function placedText({ found, certificate, file }: Finding): string {
  if (certificate === undefined) return found;
  if (file !== undefined) return `${certificate} (${file}): ${found}`;
  return found.startsWith(`${certificate}.`) ? found : `${certificate}: ${found}`;
}

/** Says whose it is: most texts name only the subject of a certificate, and any file may have that. */
export function placed({ name, files }: CertificateSource, finding: Finding): Finding {
  const file = finding.code.startsWith("key_") ? files?.keyFile : files?.certFile;
  return { ...finding, certificate: name, ...(file !== undefined && { file }) };
}
