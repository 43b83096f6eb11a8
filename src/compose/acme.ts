import type { ObtainedCertificate } from "../acme/obtained-certificate.ts";
import type { Renewals } from "../acme/renewals.ts";
import type { AcmeConfig } from "../config/acme-schema.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { ChallengeResponder } from "../http/plain-entry.ts";
import { VERSION } from "../version.ts";
import type { Surroundings } from "./surroundings.ts";

/** The certificate that the server gets itself. */
export interface AcmeParts {
  readonly source: ObtainedCertificate;
  readonly challengeOf: ChallengeResponder;
  /** Whether there is none yet. */
  readonly isAwaited: () => boolean;
  /** Begins to order and renew it. Of those who share a data directory only one may. */
  renew(around: Surroundings & { readonly courier: Courier }): Renewals;
}

/** Reads what is kept of it, and changes nothing. */
export async function openAcme(
  { domains, email, directoryUrl, directoryCaFile, external, folder }: AcmeConfig,
  { clock }: Pick<Surroundings, "clock">,
): Promise<AcmeParts> {
  const { AcmeFiles } = await import("../acme/acme-files.ts");
  const { Challenges } = await import("../acme/challenges.ts");
  const { ObtainedCertificate: Obtained } = await import("../acme/obtained-certificate.ts");
  const { Renewals: Renewing } = await import("../acme/renewals.ts");
  const files = new AcmeFiles(folder, directoryUrl);
  const challenges = new Challenges();
  const source = await Obtained.open(files, clock);
  const directoryCa = directoryCaFile && (await readPem("acme.directory_ca", directoryCaFile));
  const wanted = { names: domains, email, external };
  const authority = { directoryUrl, directoryCa, agent: `posthorn/${VERSION}` };
  return {
    source,
    challengeOf: (token) => challenges.answerTo(token),
    isAwaited: () => source.pair === undefined,
    renew(around) {
      const parts = { ...around, ...wanted, ...authority, obtained: source, files, challenges };
      return new Renewing(parts).start();
    },
  };
}

async function readPem(key: string, path: string): Promise<string> {
  const { readPemFile } = await import("../tls/pem-files.ts");
  return (await readPemFile(key, path)).text;
}
