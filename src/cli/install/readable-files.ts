import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Config } from "../../config/config.ts";
import { codeOf } from "../io-errors.ts";

/** Whom the service runs as. */
const USER = "posthorn";

const run = promisify(execFile);

/** Where the unit lets nobody look (ProtectHome, PrivateTmp), whatever the modes are. */
const HIDDEN = /^\/(?:home|root|run\/user|tmp|var\/tmp)\//;

/** A line for each file that the configuration names and the service could not read. */
export async function unreadableFiles(
  config: Pick<Config, "tls" | "tokens">,
  mayRead: (file: string) => Promise<boolean> = (file) => mayReadAs(USER, file),
): Promise<string[]> {
  const lines = filesOf(config).map(async ([key, file]) => {
    const why = HIDDEN.test(file)
      ? "the service sees nothing there; keep it elsewhere, such as in /etc/posthorn"
      : `the user ${USER} may not; let its group in: chgrp ${USER} ${file} and chmod g+r, and each directory above it with g+x`;
    const isReadable = !HIDDEN.test(file) && (await mayRead(file));
    return isReadable ? [] : [`${key}: the service cannot read ${file}: ${why}`];
  });
  return (await Promise.all(lines)).flat();
}

/** Whether a user may read a file, with all the directories above it. Only root can find out. */
export async function mayReadAs(user: string, file: string): Promise<boolean> {
  try {
    await run("runuser", ["-u", user, "--", "test", "-r", file]);
    return true;
  } catch (error) {
    // Where there is no runuser nobody can tell.
    return codeOf(error) === "ENOENT";
  }
}

function filesOf({ tls, tokens }: Pick<Config, "tls" | "tokens">): [string, string][] {
  const first = tls !== undefined && "certFile" in tls.first ? [["tls", tls.first] as const] : [];
  const more = [...(tls?.more ?? [])].map(([name, it]) => [`certificates.${name}`, it] as const);
  const certificates = [...first, ...more].flatMap(([table, { certFile, keyFile }]) => [
    [`${table}.cert`, certFile] as const,
    [`${table}.key`, keyFile] as const,
  ]);
  const single = [
    ["tls.client_ca", tls?.clientCaFile],
    ["tokens.rsa_public_key", tokens.rsaPublicKeyFile],
    ["tokens.ecdsa_public_key", tokens.ecdsaPublicKeyFile],
  ] as const;
  return [...certificates, ...single].flatMap(([key, file]) =>
    file === undefined ? [] : [[key, file] satisfies [string, string]],
  );
}
