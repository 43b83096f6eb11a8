import { watch } from "node:fs";
import { dirname } from "node:path";
import type { CertificateSource } from "./certificate-source.ts";
import { type CertificatePaths, readCertificateFiles } from "./pem-files.ts";

/** The certificate that a table of the configuration names by its files. */
export function fileCertificate(section: string, paths: CertificatePaths): CertificateSource {
  const { certFile, keyFile } = paths;
  return {
    name: section,
    files: paths,
    read: () => readCertificateFiles(paths, section),
    watch(changed) {
      // The folders: what renews a certificate replaces its file, or a link on the way to it.
      const folders = [...new Set([dirname(certFile), dirname(keyFile)])];
      const ends = folders.map((folder) => watchFolder(folder, changed));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/** Where a folder cannot be watched, or can no more, nothing is told: who waits has to look from time to time. */
function watchFolder(folder: string, changed: () => void): () => void {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
