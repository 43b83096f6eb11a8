import { z } from "zod";
import type { AcmeConfig } from "./acme-schema.ts";
import { choice, optionalText, unmet } from "./fields.ts";
import { isPath } from "./text-rules.ts";

const PEM_WANTED = "the path of a PEM file";

const cert = optionalText({
  wanted: PEM_WANTED,
  description:
    "The certificate: the leaf first, then the intermediates. Without cert and key the server speaks plain http and ws. A changed file is served within a minute, and open connections stay.",
  isRight: isPath,
});
const key = optionalText({
  wanted: PEM_WANTED,
  description: "The private key that belongs to the certificate, not encrypted.",
  isRight: isPath,
});

/** The certificate for whoever names no host, or none of those that another certificate is for. */
export const Tls = z
  .strictObject({
    cert,
    key,
    min_version: choice(
      ["1.2", "1.3"],
      "1.2",
      'The oldest version of TLS to speak. Android before 10 and the WebViews of old phones know nothing newer than "1.2".',
    ),
    client_ca: optionalText({
      wanted: PEM_WANTED,
      description:
        "The authority that signs the certificates of devices, for server.devices_port; several may follow each other.",
      isRight: isPath,
    }),
  })
  .superRefine((it, { addIssue }) => {
    if (it.cert !== undefined && it.key === undefined) {
      addIssue(unmet("key", "the path of the private key that belongs to tls.cert"));
    }
    if (it.key !== undefined && it.cert === undefined) {
      addIssue(unmet("cert", "the path of the certificate that belongs to tls.key"));
    }
  });

const more = {
  cert: optionalText({
    wanted: PEM_WANTED,
    description:
      "The certificate: the leaf first, then the intermediates. Every table needs it. It is for the DNS names it has itself; of two certificates for one name the one that ends later is served.",
    isRight: isPath,
  }),
  key: optionalText({
    wanted: PEM_WANTED,
    description:
      "The private key that belongs to the certificate, not encrypted. Every table needs it.",
    isRight: isPath,
  }),
} as const;

/** One table of the section of further certificates. */
export const Certificate = z.strictObject(more).superRefine((it, { addIssue }) => {
  for (const name of ["cert", "key"] as const) {
    if (it[name] === undefined) addIssue(unmet(name, PEM_WANTED));
  }
});

/** Files of one certificate. */
export interface CertificateConfig {
  readonly certFile: string;
  readonly keyFile: string;
}

/** How the server speaks TLS. */
export interface TlsConfig {
  /** The certificate for whoever names nothing, or nothing known: files, or what an authority gives us. */
  readonly first: CertificateConfig | AcmeConfig;
  readonly minVersion: "1.2" | "1.3";
  /** Of the certificates of devices. */
  readonly clientCaFile?: string;
  /** Further certificates by their names in the configuration. */
  readonly more: ReadonlyMap<string, CertificateConfig>;
}

export interface TlsTables {
  readonly tls: z.infer<typeof Tls>;
  readonly certificates: Readonly<Record<string, z.infer<typeof Certificate>>>;
}

/** Gives the checked tables their final form; undefined for a server that speaks no TLS. */
export function toTls(
  { tls, certificates }: TlsTables,
  acme: AcmeConfig | undefined,
  pathOf: (path: string) => string,
): TlsConfig | undefined {
  const first = toFiles(tls, pathOf) ?? acme;
  if (first === undefined) return undefined;
  const others = Object.entries(certificates).flatMap(([name, it]) => {
    const more = toFiles(it, pathOf);
    return more === undefined ? [] : [[name, more] as const];
  });
  return {
    first,
    minVersion: tls.min_version,
    ...(tls.client_ca !== undefined && { clientCaFile: pathOf(tls.client_ca) }),
    more: new Map(others),
  };
}

function toFiles(
  { cert, key }: { readonly cert?: string | undefined; readonly key?: string | undefined },
  pathOf: (path: string) => string,
): CertificateConfig | undefined {
  if (cert === undefined || key === undefined) return undefined;
  return { certFile: pathOf(cert), keyFile: pathOf(key) };
}
