const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 60 * 60 * 1000;

/** PEM texts: an authority for devices, and the certificate of one. */
export interface DeviceCertificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes them as an operator's own authority would, which `posthorn cert` is not. */
export async function makeDeviceCertificates(): Promise<DeviceCertificates> {
  // One after the other: Bun runs CommonJS modules in the order in which they finish loading.
  await import("reflect-metadata");
  const { BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, ...x509 } =
    await import("@peculiar/x509");
  const [caKeys, keys] = await Promise.all([makeKeys(), makeKeys()]);
  const common = {
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    issuer: "CN=Fleet",
    signingKey: caKeys.privateKey,
  };
  const ca = await x509.X509CertificateGenerator.create({
    ...common,
    subject: "CN=Fleet",
    publicKey: caKeys.publicKey,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    ...common,
    subject: "CN=device",
    publicKey: keys.publicKey,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString("base64")}\n-----END PRIVATE KEY-----\n`;
  return { ca: ca.toString("pem"), cert: leaf.toString("pem"), key };
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}
