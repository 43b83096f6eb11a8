import { AcmeFiles } from "../../src/acme/acme-files.ts";
import { makeCertificates } from "../../src/tls/make-certificates.ts";

/** Keeps one certificate after the other until it is killed, with a dot for each. */
const [folder = "", directory = ""] = process.argv.slice(2);
const files = new AcmeFiles(folder, directory);
const now = new Date();
const made = await Promise.all(
  ["one.test", "two.test"].map((host) => makeCertificates({ hosts: [host], now })),
);
while (true) {
  for (const { cert, key } of made) {
    await files.keepCertificate(`${key}${cert}`);
    process.stdout.write(".");
  }
}
