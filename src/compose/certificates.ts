import type { Config } from "../config/config.ts";
import type { TlsConfig } from "../config/tls-schema.ts";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { CertificateSource } from "../tls/certificate-source.ts";
import type { ServedCertificates } from "../tls/served-certificates.ts";
import type { AcmeParts } from "./acme.ts";
import type { Surroundings } from "./surroundings.ts";

export interface CertificateParts {
  readonly served: ServedCertificates;
  /** PEM text of the authority of devices; absent where nobody is asked for a certificate. */
  readonly clientCa?: string;
  /** Where the server gets its first certificate itself. */
  readonly acme?: AcmeParts;
}

/**
 * Reads every certificate of the configuration; undefined where there is none. They may be unfit for
 * use. Throws a `Fault` for what cannot be read.
 */
export async function readCertificateParts(
  { tls, server }: Pick<Config, "tls" | "server">,
  { clock, log }: Pick<Surroundings, "clock" | "log">,
): Promise<CertificateParts | undefined> {
  if (tls === undefined) return undefined;
  // Loaded only where TLS is used: the X.509 reader costs tens of milliseconds at every start.
  const { fileCertificate } = await import("../tls/file-certificate.ts");
  const { ServedCertificates: Served } = await import("../tls/served-certificates.ts");
  const publicHosts = server.publicUrl === undefined ? [] : [new URL(server.publicUrl).hostname];
  const more = [...tls.more].map(([name, files]) => fileCertificate(`certificates.${name}`, files));
  const first = await openFirst(tls.first, clock);
  const served = await Served.read({
    sources: [first.source, ...more],
    publicHosts,
    clock,
    log,
  });
  const { clientCaFile } = tls;
  return {
    served,
    ...(first.acme && { acme: first.acme }),
    ...(clientCaFile && { clientCa: await readAuthority(clientCaFile) }),
  };
}

/** The one that is there for whoever asks for none in particular. */
async function openFirst(
  first: TlsConfig["first"],
  clock: Clock,
): Promise<{ readonly source: CertificateSource; readonly acme?: AcmeParts }> {
  if ("certFile" in first) {
    const { fileCertificate } = await import("../tls/file-certificate.ts");
    return { source: fileCertificate("tls", first) };
  }
  const { openAcme } = await import("./acme.ts");
  const acme = await openAcme(first, { clock });
  return { source: acme.source, acme };
}

/** Bun takes any text, and then lets nobody in. */
async function readAuthority(path: string): Promise<string> {
  const { readPemFile } = await import("../tls/pem-files.ts");
  const { readCertificates } = await import("../tls/certificate.ts");
  const { text } = await readPemFile("tls.client_ca", path);
  try {
    if (readCertificates(text).length > 0) return text;
  } catch (cause) {
    const detail = `tls.client_ca is damaged: ${cause instanceof Error ? cause.message : cause}`;
    throw new Fault("certificate_unusable", { detail, cause });
  }
  throw new Fault("certificate_unusable", { detail: "tls.client_ca has no certificate" });
}
