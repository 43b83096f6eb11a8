import { z } from "zod";
import { AcmeFailure } from "./acme-failure.ts";
import { ACME_LIMITS } from "./limits.ts";

/** A problem document of an authority (RFC 8555 §6.7). */
export const AcmeProblem = z.object({
  type: z.string().default("about:blank"),
  detail: z.string().default(""),
  subproblems: z
    .array(
      z.object({
        type: z.string().default(""),
        detail: z.string().default(""),
        identifier: z.object({ value: z.string() }).optional(),
      }),
    )
    .default([]),
});
export type AcmeProblem = z.infer<typeof AcmeProblem>;

const PREFIX = "urn:ietf:params:acme:error:";

/** In mainland China a provider answers in the place of names that have no filing. */
const PORT_80 =
  "That name has to lead to this machine, and its port 80 to server.http_port: look at the name's A and AAAA records, the firewall, the provider's security group, proxies and CDNs in front and, in mainland China, the name's ICP filing";

const REMEDIES: Readonly<Record<string, string>> = {
  accountDoesNotExist: "Nothing: it is tried again with a new account",
  badSignatureAlgorithm: "Use another authority: this one takes no ECDSA P-256 keys for accounts",
  caa: "Add a CAA record for that name that allows this authority, or remove those that forbid it",
  connection: PORT_80,
  dns: "Add an A or AAAA record for that name that leads to this machine; a wrong AAAA record does harm too",
  externalAccountRequired: "Set acme.eab_kid and acme.eab_key to what the authority's site shows",
  incorrectResponse: PORT_80,
  invalidContact: "Correct acme.email",
  malformed: "Correct acme.directory, acme.eab_kid and acme.eab_key if they are wrong",
  rateLimited:
    "Wait: it is tried again by itself. For trials set acme.directory to the authority's staging directory",
  rejectedIdentifier: "Take that name out of acme.domains, or use an authority that issues for it",
  tls: PORT_80,
  unauthorized: PORT_80,
  unsupportedContact: "Correct acme.email",
  unsupportedIdentifier:
    "Take that name out of acme.domains, or use an authority that issues for it",
  userActionRequired: "Read and agree to what the authority's site asks for",
};

const OTHERWISE = "Look at the authority's status page; it is tried again by itself";

/** What kind of problem it is, without the namespace. */
export function kindOf({ type }: Pick<AcmeProblem, "type">): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

export interface ProblemContext {
  /** What could not be done, e.g. "Cannot order a certificate". */
  readonly doing: string;
  readonly remedy?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Says what the authority said, and what to do about it. */
export function toFailure(problem: AcmeProblem, context: ProblemContext): AcmeFailure {
  const { doing, retryAfterMs } = context;
  const each = problem.subproblems.map(({ type, detail, identifier }) =>
    [identifier?.value, kindOf({ type }), detail].filter((it) => it).join(" "),
  );
  const words = [`${kindOf(problem)}: ${problem.detail}`, ...each].join("; ");
  const [first] = problem.subproblems;
  const remedy =
    context.remedy ?? REMEDIES[kindOf(first ?? problem)] ?? REMEDIES[kindOf(problem)] ?? OTHERWISE;
  return new AcmeFailure(`${doing}: ${oneLine(words)}`, { remedy, retryAfterMs });
}

/** The authority's word on something that is none of its problems. */
export function unusable(doing: string, why: string, cause?: unknown): AcmeFailure {
  return new AcmeFailure(`${doing}: ${oneLine(why)}`, { remedy: OTHERWISE, cause });
}

/** The other side's text, as a line of the log may hold it. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, ACME_LIMITS.detailMaxChars);
}
