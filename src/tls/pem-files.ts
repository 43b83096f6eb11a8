import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { platform } from "node:os";
import { resolve } from "node:path";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { OfferedCertificate } from "./certificate-source.ts";
import { type Finding, warningFinding } from "./finding.ts";

/** Where a certificate and its key are. */
export interface CertificatePaths {
  readonly certFile: string;
  readonly keyFile: string;
}

interface PemFile {
  readonly text: string;
  readonly mode: number;
}

const READABLE_BY_OTHERS = 0o004;

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  EACCES: "the user that runs this may not read it",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links form a circle",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EPERM: "the user that runs this may not read it",
};

/** Reads what `section` of the configuration names. Throws `config_invalid` when a file cannot be read. */
export async function readCertificateFiles(
  { certFile, keyFile }: CertificatePaths,
  section: string,
): Promise<OfferedCertificate> {
  const [cert, key] = await Promise.all([
    readPemFile(`${section}.cert`, certFile),
    readPemFile(`${section}.key`, keyFile),
  ]);
  const findings = inspectMode(`${section}.key`, keyFile, key.mode);
  return { cert: cert.text, key: key.text, findings };
}

/** Reads one file that `configKey` names, for as long as it is a PEM file in size and kind. */
export async function readPemFile(configKey: string, path: string): Promise<PemFile> {
  try {
    const info = await stat(path);
    const problem = problemOf(info);
    if (problem !== undefined) throw new Error(problem);
    return { text: await readFile(path, "utf8"), mode: info.mode };
  } catch (cause) {
    const detail = `${configKey}: cannot read ${resolve(path)}: ${reasonOf(cause)}`;
    throw new Fault("config_invalid", { detail, cause });
  }
}

function problemOf(info: Stats): string | undefined {
  if (info.isDirectory()) return ERRNO_TEXTS["EISDIR"];
  // A pipe or a device would keep us waiting, and could not be read again at a reload.
  if (!info.isFile()) return "it is not a regular file";
  if (info.size <= LIMITS.pemMaxBytes) return undefined;
  return `it has ${info.size} bytes, at most ${LIMITS.pemMaxBytes} are allowed`;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : "";
  const text = ERRNO_TEXTS[code];
  return text === undefined ? cause.message : `${text} (${code})`;
}

function inspectMode(configKey: string, path: string, mode: number): Finding[] {
  // Windows has no such bits: there every file seems to be readable by everyone.
  if (platform() === "win32" || (mode & READABLE_BY_OTHERS) === 0) return [];
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const found = `${configKey} ${resolve(path)} can be read by every user of this machine (mode ${octal})`;
  return [warningFinding("key_exposed", found, `Run: chmod o= ${resolve(path)}`)];
}
