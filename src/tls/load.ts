import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { platform } from "node:os";
import { resolve } from "node:path";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { TlsFiles } from "../core/ports/host.ts";
import { readCertificates } from "./certificate.ts";
import { type Finding, type FindingCode, warningFinding } from "./finding.ts";
import { inspectCertificate } from "./inspect.ts";
import { encodePem, isCertificate, isPrivateKey, readPemBlocks } from "./pem.ts";

/** Where the files are, and what they are for. */
export interface TlsLoadOptions {
  readonly certFile: string;
  readonly keyFile: string;
  /** The hosts clients dial, as `URL.hostname` gives them. */
  readonly publicHosts: readonly string[];
  readonly now: Date;
}

/** What {@link loadTls} read, and what it thinks of it. */
export interface LoadedTls {
  /** Only the PEM blocks that matter, tidied: the runtimes differ in what clutter they take. */
  readonly files: TlsFiles;
  /** The server MUST NOT start with `files` when one of these is an error. */
  readonly findings: readonly Finding[];
  /** When the server's certificate ends; 0 when a finding says that there is none to read. */
  readonly expiresAtMs: number;
}

interface PemFile {
  readonly text: string;
  readonly mode: number;
}

const READABLE_BY_OTHERS = 0o004;
const NO_CERTIFICATE: readonly FindingCode[] = ["certificate_missing", "certificate_unreadable"];

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  EACCES: "the user that runs this may not read it",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links form a circle",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EPERM: "the user that runs this may not read it",
};

/** Reads and inspects the TLS files. Throws `config_invalid` when one of them cannot be read. */
export async function loadTls(options: TlsLoadOptions): Promise<LoadedTls> {
  const { certFile, keyFile, publicHosts, now } = options;
  const [cert, key] = await Promise.all([
    readPemFile("tls.cert", certFile),
    readPemFile("tls.key", keyFile),
  ]);
  const findings = await inspectCertificate({ cert: cert.text, key: key.text, publicHosts, now });
  return {
    files: tidy(cert.text, key.text),
    findings: [...findings, ...inspectMode(keyFile, key.mode)],
    expiresAtMs: expiryOf(cert.text, findings),
  };
}

async function readPemFile(configKey: string, path: string): Promise<PemFile> {
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

function tidy(cert: string, key: string): TlsFiles {
  const certificates = readPemBlocks(cert).filter(isCertificate);
  const keyBlock = readPemBlocks(key).find(isPrivateKey);
  return {
    cert: certificates.map(({ base64 }) => encodePem("CERTIFICATE", base64)).join(""),
    key: keyBlock ? encodePem(keyBlock.label, keyBlock.base64) : "",
  };
}

function inspectMode(path: string, mode: number): Finding[] {
  // Windows has no such bits: there every file seems to be readable by everyone.
  if (platform() === "win32" || (mode & READABLE_BY_OTHERS) === 0) return [];
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const found = `tls.key ${resolve(path)} can be read by every user of this machine (mode ${octal})`;
  return [warningFinding("key_exposed", found, `Run: chmod o= ${resolve(path)}`)];
}

function expiryOf(cert: string, findings: readonly Finding[]): number {
  if (findings.some(({ code }) => NO_CERTIFICATE.includes(code))) return 0;
  return readCertificates(cert)[0]?.notAfter.getTime() ?? 0;
}
