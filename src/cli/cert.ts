import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseHostName } from "../tls/host-names.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { explainIo } from "./io-errors.ts";

const OPTIONS = {
  host: { type: "string", multiple: true },
  out: { type: "string" },
  force: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** `posthorn cert`. */
export const certCommand: Command = {
  name: "cert",
  summary: "Make a local CA and a certificate, for tests",
  usage: `Usage: posthorn cert --host NAME [--host NAME]... --out DIR [--force] [--json]

  --host NAME  A host name or an address the certificate is for; may be repeated
  --out DIR    Where ca.pem, cert.pem and key.pem are written
  --force      Replace such files when they are there
  --json       Print where they are as {"ca","cert","key"}

Only clients that were told to trust ca.pem accept such a certificate; mini-programs on phones do not.`,
  async run(args, { cwd, clock, stdout }) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { host: hosts = [], out, force = false, json } = values;
    checkHosts(hosts);
    if (out === undefined) throw new UsageError("Cannot make a certificate without --out");
    // Loaded only here: the X.509 library costs every other start tens of milliseconds.
    const { makeCertificates } = await import("../tls/make-certificates.ts");
    const { ca, cert, key } = await makeCertificates({ hosts, now: new Date(clock.nowMs()) });
    const files = [
      { name: "ca.pem", text: ca, mode: 0o644 },
      { name: "cert.pem", text: cert, mode: 0o644 },
      { name: "key.pem", text: key, mode: 0o600 },
    ];
    await writeFiles(resolve(cwd, out), files, force);
    const paths = {
      ca: join(out, "ca.pem"),
      cert: join(out, "cert.pem"),
      key: join(out, "key.pem"),
    };
    stdout(json ? `${JSON.stringify(paths)}\n` : nextSteps(paths, hosts));
    return 0;
  },
};

interface NewFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

function checkHosts(hosts: readonly string[]): void {
  if (hosts.length === 0) throw new UsageError("Cannot make a certificate without --host");
  const wrong = hosts.find((host) => parseHostName(host) === undefined);
  if (wrong === undefined) return;
  const wanted = "wanted a host name or an address, such as localhost, *.example.com or 10.0.0.7";
  throw new UsageError(`Cannot use --host: got ${JSON.stringify(wrong)}, ${wanted}`);
}

/** Writes all files, or none when one is there and must not be replaced. */
async function writeFiles(
  folder: string,
  files: readonly NewFile[],
  force: boolean,
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const present = new Set(await readdir(folder));
    const taken = files.filter(({ name }) => present.has(name)).map(({ name }) => name);
    if (taken.length > 0 && !force) {
      throw new Error(`${taken.join(", ")} are there already, replace them with --force`);
    }
    for (const { name, text, mode } of files) {
      const path = join(folder, name);
      // Written over, a file would keep the mode it has.
      await rm(path, { force: true });
      await writeFile(path, text, { mode, flag: "wx" });
    }
  } catch (cause) {
    throw new Error(`Cannot write to ${folder}: ${explainIo(cause)}`, { cause });
  }
}

function nextSteps(
  { ca, cert, key }: Readonly<Record<"ca" | "cert" | "key", string>>,
  [host = "localhost"]: readonly string[],
): string {
  return `Wrote ${ca}, ${cert} and ${key}

Serve with them:
  POSTHORN_TLS__CERT=${cert} POSTHORN_TLS__KEY=${key} posthorn serve
Try them:
  curl --cacert ${ca} https://${host}:8077/healthz
`;
}
