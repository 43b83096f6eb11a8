import { Buffer } from "node:buffer";
import { domainToASCII } from "node:url";
import { z } from "zod";
import { flag, optionalSecret, optionalText, text, textList, unmet } from "./fields.ts";
import { isPath } from "./text-rules.ts";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
const NAME_MAX_CHARS = 253;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Certificates that the server gets and renews itself. */
export const Acme = z
  .strictObject({
    domains: textList({
      wanted:
        'a list of DNS names without wildcards or addresses, such as ["push.example.com"]: what is checked is who answers at each name',
      description:
        "The names for which the server gets a certificate of its own and renews it, in the place of tls.cert and tls.key. An authority must reach this server at port 80 of each. With --dev this section is ignored unless --data is given.",
      isRight: isDnsName,
    }),
    email: optionalText({
      wanted: "an e-mail address",
      description: "Where the authority may write to when something is wrong with the account.",
      isRight: (email) => /^[^\s@,?&]+@[^\s@,?&]+$/.test(email),
    }),
    accept_terms: flag(
      false,
      "That you agree to the terms of service of the authority, which its directory names. Nothing is ordered without.",
    ),
    directory: text(LETS_ENCRYPT, {
      wanted: "an https URL without credentials",
      description:
        'Where the authority is found (RFC 8555). For trials of Let\'s Encrypt, whose certificates nobody trusts: "https://acme-staging-v02.api.letsencrypt.org/directory".',
      isRight: isDirectory,
    }),
    directory_ca: optionalText({
      wanted: "the path of a PEM file",
      description:
        "The authority that vouches for the directory's own certificate, where it is a private one.",
      isRight: isPath,
    }),
    eab_kid: optionalText({
      wanted: "a text without spaces",
      description:
        "The key id of your account, for authorities that only take those who have one on their site, such as ZeroSSL and Google.",
      isRight: (kid) => /^[\x21-\x7e]{1,256}$/.test(kid),
    }),
    eab_key: optionalSecret({
      wanted: "the HMAC key as the authority's site shows it, in base64url",
      description: "The key that belongs to eab_kid. Better set as POSTHORN_ACME__EAB_KEY.",
      isRight: isHmacKey,
    }),
  })
  .superRefine((it, { addIssue }) => {
    if (it.domains.length > 0 && !it.accept_terms) {
      addIssue(unmet("accept_terms", "true: the authority wants you to agree to its terms"));
    }
    if (it.eab_kid !== undefined && it.eab_key === undefined) {
      addIssue(unmet("eab_key", "the key that belongs to acme.eab_kid"));
    }
    if (it.eab_key !== undefined && it.eab_kid === undefined) {
      addIssue(unmet("eab_kid", "the key id that belongs to acme.eab_key"));
    }
  });

/** What is ordered, and from whom. */
export interface AcmeConfig {
  /** Canonical: lower case, other scripts as xn--… */
  readonly domains: readonly [string, ...string[]];
  readonly email?: string;
  readonly directoryUrl: string;
  readonly directoryCaFile?: string;
  readonly external?: { readonly kid: string; readonly key: string };
  /** Where keys and certificates are kept. */
  readonly folder: string;
}

/** Undefined where nothing is to be ordered. */
export function toAcme(
  acme: z.infer<typeof Acme>,
  pathOf: (path: string) => string,
  folder: string,
): AcmeConfig | undefined {
  const [first, ...others] = new Set(acme.domains.map(canonical));
  if (first === undefined) return undefined;
  const { email, directory, directory_ca, eab_kid: kid, eab_key: key } = acme;
  return {
    domains: [first, ...others],
    ...(email !== undefined && { email }),
    directoryUrl: directory,
    ...(directory_ca !== undefined && { directoryCaFile: pathOf(directory_ca) }),
    ...(kid !== undefined && key !== undefined && { external: { kid, key } }),
    folder,
  };
}

function canonical(name: string): string {
  return domainToASCII(name).replace(/\.$/, "");
}

function isDnsName(name: string): boolean {
  const ascii = canonical(name);
  const labels = ascii.split(".");
  return (
    ascii.length <= NAME_MAX_CHARS &&
    labels.every((label) => LABEL.test(label)) &&
    // Whose last part is a number is an address.
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

function isDirectory(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, hash } = new URL(address);
  return protocol === "https:" && `${username}${password}${hash}` === "";
}

function isHmacKey(key: string): boolean {
  return /^[A-Za-z0-9_-]+={0,2}$/.test(key) && Buffer.from(key, "base64url").length >= 16;
}
