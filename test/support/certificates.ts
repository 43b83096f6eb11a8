import { runCliOk } from "./cli.ts";
import type { Target } from "./targets.ts";
import type { Workspace } from "./workspace.ts";

/** The files `posthorn cert` made. */
export interface CertificateFiles {
  /** PEM text of the authority, for clients to trust. */
  readonly ca: string;
  /** Paths, for the configuration. */
  readonly cert: string;
  readonly key: string;
}

/** Makes a local authority and a certificate for this machine through the command line. */
export async function makeCertificateFiles(
  target: Target,
  workspace: Workspace,
): Promise<CertificateFiles> {
  const args = ["cert", "--host", "localhost", "--host", "127.0.0.1", "--out", "tls"];
  await runCliOk(target, args, { workspace });
  return {
    ca: await workspace.read("tls/ca.pem"),
    cert: workspace.file("tls/cert.pem"),
    key: workspace.file("tls/key.pem"),
  };
}

/** A self-signed certificate as a careless tool makes it: with a CN and no subjectAltName. */
export async function makeNamelessCertificate(): Promise<{ cert: string; key: string }> {
  // One after the other: Bun runs CommonJS modules in the order in which they finish loading.
  await import("reflect-metadata");
  const { X509CertificateGenerator } = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=localhost",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 1000),
    notAfter: new Date(Date.now() + 100 * 24 * 60 * 60 * 1000),
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  const key = `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
  return { cert: certificate.toString("pem"), key };
}
