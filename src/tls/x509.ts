import "reflect-metadata";

/**
 * The X.509 library, loaded after the polyfill without which it does not start. Never import it
 * beside the polyfill: it is CommonJS, and Bun 1.4.5 does not keep the order of the two, neither
 * from source nor in a module that a bundle loads lazily.
 */
export const {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} = await import("@peculiar/x509");
