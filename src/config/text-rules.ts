import { Buffer } from "node:buffer";
import { parseGlob } from "../core/glob.ts";

/** Whether a text can be the path of a file or directory. */
export function isPath(path: string): boolean {
  return path !== "" && !path.includes("\0");
}

/** Whether a text is the address of something to ask. Credentials in it would end up in logs. */
export function isWebUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, hash } = new URL(address);
  return /^https?:$/.test(protocol) && `${username}${password}${hash}` === "";
}

export const WEBHOOK_SECRET_WANTED =
  "whsec_ and 24 to 64 bytes in base64, such as the output of: echo whsec_$(openssl rand -base64 32)";

/** Whether a text is a secret as Standard Webhooks wants it. */
export function isWebhookSecret(secret: string): boolean {
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(base64, "base64").length;
  return base64.length % 4 === 0 && bytes >= 24 && bytes <= 64;
}

/** Whether a text is a pattern that can be read. */
export function isGlob(pattern: string): boolean {
  try {
    parseGlob(pattern);
    return true;
  } catch {
    return false; // the pattern itself is told to whoever wrote it
  }
}
