import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { membersOf } from "./json-members.ts";

/** Who we are to Google, as the file says that its console gives out. */
export interface ServiceAccount {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly keyId: string;
  readonly key: KeyObject;
  /** Where access tokens come from. */
  readonly tokenUrl: string;
}

/** Reads such a file. Throws `config_invalid`, with nothing of what is in it. */
export async function readServiceAccount(file: string): Promise<ServiceAccount> {
  const members = membersOf(await readText(file));
  const text = (name: string): string => {
    const value = members[name];
    if (typeof value === "string" && value !== "") return value;
    throw unusable(`${file} has no ${name}, wanted the JSON file of a service account`);
  };
  const tokenUrl = text("token_uri");
  if (!/^https?:\/\//.test(tokenUrl) || !URL.canParse(tokenUrl)) {
    throw unusable(`the token_uri in ${file} is no http or https URL`);
  }
  return {
    projectId: text("project_id"),
    clientEmail: text("client_email"),
    keyId: text("private_key_id"),
    key: keyIn(text("private_key"), file),
    tokenUrl,
  };
}

async function readText(file: string): Promise<string> {
  try {
    const info = await stat(file);
    if (info.isFile() && info.size <= LIMITS.pemMaxBytes) return await readFile(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw unusable(`cannot read ${file} (${code})`, cause);
  }
  throw unusable(`${file} is no file of at most ${LIMITS.pemMaxBytes} bytes`);
}

function keyIn(pem: string, file: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // No cause: what the library says may quote the key.
  }
  throw unusable(`the private_key in ${file} is no RSA key in PEM`);
}

function unusable(detail: string, cause?: unknown): Fault {
  return new Fault("config_invalid", { detail: `push credentials: ${detail}`, cause });
}
