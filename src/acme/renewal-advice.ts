import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Certificate } from "../tls/certificate.ts";
import { AuthorityKeyIdentifierExtension } from "../tls/x509.ts";
import { type Authority, readAs } from "./authority.ts";
import { ACME_LIMITS } from "./limits.ts";

const Advice = z.object({
  suggestedWindow: z.object({
    start: z.iso.datetime({ offset: true }),
    end: z.iso.datetime({ offset: true }),
  }),
});

/** When an authority wants a certificate to be renewed (RFC 9773): it may know that it has to revoke it. */
export interface RenewalAdvice {
  readonly fromMs: number;
  readonly toMs: number;
  /** How long this is good. */
  readonly goodForMs: number;
}

/** Asks for it; undefined where the authority gives none. */
export async function askAdvice(
  authority: Authority,
  certificateId: string,
): Promise<RenewalAdvice | undefined> {
  const { renewalInfo } = authority.directory;
  if (renewalInfo === undefined) return undefined;
  const doing = "Cannot ask when to renew";
  const answer = await authority.get(`${renewalInfo}/${certificateId}`, doing);
  if (answer === undefined) return undefined;
  const { suggestedWindow } = readAs(Advice, { text: answer.text, doing });
  const { adviceMs, adviceMinMs, adviceMaxMs } = ACME_LIMITS;
  const wantedMs = answer.retryAfterMs ?? adviceMs;
  return {
    fromMs: Date.parse(suggestedWindow.start),
    toMs: Date.parse(suggestedWindow.end),
    goodForMs: Math.min(Math.max(wantedMs, adviceMinMs), adviceMaxMs),
  };
}

/** What authorities call a certificate (RFC 9773 §4.1); undefined for one that names no issuer's key. */
export function certificateId({ x509 }: Certificate): string | undefined {
  const keyId = x509.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return undefined;
  // The number as DER has it: a first byte of 0 keeps one that begins with a set bit from being negative.
  const digits = x509.serialNumber.length % 2 === 0 ? x509.serialNumber : `0${x509.serialNumber}`;
  const serial = Buffer.from(digits, "hex");
  const isNegative = ((serial[0] ?? 0) & 0x80) !== 0;
  const number = isNegative ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${Buffer.from(keyId, "hex").toString("base64url")}.${number.toString("base64url")}`;
}
