import type { ServedCertificate, TlsOptions } from "../core/ports/host.ts";

/** Numbers of the protocol: Bun throws on names, although `tls` of Node knows nothing else. */
const VERSIONS = { "1.2": 0x0303, "1.3": 0x0304 } as const;

/** Of TLS 1.2, in the words of OpenSSL: without the suites that use CBC. */
const CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20";

/**
 * What `Bun.serve` makes of it: an entry per name, the first of all for whoever names nothing known.
 * Rules for clients are of an entry and not of the listener, so each has all of them.
 */
export function bunTls({ certificates, minVersion, clientCa }: TlsOptions): Bun.TLSOptions[] {
  const rules = {
    minVersion: VERSIONS[minVersion],
    ciphers: CIPHERS,
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
  const [first, ...others] = certificates;
  const unnamed = { cert: first.cert, key: first.key, ...rules };
  if (others.length === 0) return [unnamed];
  // Those of the first too: a wildcard of another must not take them.
  return [unnamed, ...certificates.flatMap((it) => named(it).map((one) => ({ ...one, ...rules })))];
}

function named({ cert, key, serverNames }: ServedCertificate) {
  return serverNames.map((serverName) => ({ serverName, cert, key }));
}
