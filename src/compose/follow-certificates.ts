import type { Courier } from "../core/ports/courier.ts";
import type { ServedCertificates } from "../tls/served-certificates.ts";
import type { CertificateParts } from "./certificates.ts";
import { showCertificates } from "./figures.ts";
import type { Listeners } from "./listeners.ts";
import type { Surroundings } from "./surroundings.ts";

/** Those in service, and how to look for newer ones now. */
export type FollowedCertificates = Pick<ServedCertificates, "reload" | "states">;

interface Following extends Surroundings {
  readonly courier: Courier;
  readonly opening: AsyncDisposableStack;
}

/** Has the listeners serve the newest certificates, and gets them where that is ours to do, until `opening` ends. */
export function followCertificates(
  { served, acme }: CertificateParts,
  listeners: Pick<Listeners, "renew" | "replaced">,
  { opening, ...around }: Following,
): FollowedCertificates {
  opening.use(served);
  showCertificates(around, served, listeners);
  served.follow((certificates) => listeners.renew(certificates));
  const renewals = acme && opening.use(acme.renew(around));
  return {
    states: () => served.states(),
    reload() {
      renewals?.hurry();
      return served.reload();
    },
  };
}
