import { isLoopback } from "../../core/loopback.ts";
import type { AddressHeader } from "./hop.ts";
import { addressHeaderIn } from "./mediation.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** What is wrong with how a proxy says who asks. */
export type ComplaintCode =
  | "forwarded_untrusted"
  | "address_header_missing"
  | "address_header_other"
  | "address_unclear"
  | "real_ip_misspelt";

/** One complaint, with what would end it. */
export interface Complaint {
  readonly code: ComplaintCode;
  readonly found: string;
  readonly fix: readonly string[];
}

/** A request as its proxy passed it on. */
export interface Passed {
  readonly headers: Pick<Headers, "get">;
  readonly url: () => string;
  readonly peerAddress: string;
  readonly isTrusted: boolean;
  readonly isUnclear: boolean;
  readonly proxies: TrustedProxies;
}

/** How each header is written, and how nginx fills it so that no client can. */
const HEADERS = {
  "x-forwarded-for": {
    name: "X-Forwarded-For",
    nginx: "proxy_set_header X-Forwarded-For $remote_addr;",
  },
  forwarded: { name: "Forwarded", nginx: 'proxy_set_header Forwarded "for=$remote_addr";' },
  "x-real-ip": { name: "X-Real-IP", nginx: "proxy_set_header X-Real-IP $remote_addr;" },
} as const satisfies Record<AddressHeader, { readonly name: string; readonly nginx: string }>;

/** What balancers ask to see whether we live, of which they name nobody. */
const HEALTH_CHECK = /\/(?:healthz|readyz)(?:\?|$)/;
const SHOWN_MAX_CHARS = 60;

/** Says what is wrong; undefined where nothing is, or nothing can be said. */
export function complaintOn(passed: Passed): Complaint | undefined {
  const { headers } = passed;
  if (headers.get("x-real_ip") !== null) return misspelt();
  const other = addressHeaderIn((name) => headers.get(name));
  if (!passed.isTrusted) return other === undefined ? undefined : untrusted(passed, other);
  const value = headers.get(passed.proxies.header);
  if (value !== null) return passed.isUnclear ? unclear(passed, value) : undefined;
  return other === undefined ? missing(passed) : otherThan(passed, other);
}

function misspelt(): Complaint {
  const found =
    "got the header X-Real_IP, with an underscore: nobody reads that name, and a second nginx drops it";
  return { code: "real_ip_misspelt", found, fix: [`nginx: ${HEADERS["x-real-ip"].nginx}`] };
}

function untrusted({ peerAddress, proxies }: Passed, name: string): Complaint {
  const listed = [...proxies.listed, peerAddress].map((it) => JSON.stringify(it)).join(", ");
  return {
    code: "forwarded_untrusted",
    found: `${peerAddress} sent the header ${name}, and server.trusted_proxies does not list it: whoever is behind it counts as ${peerAddress}`,
    fix: [`if it is your proxy: server.trusted_proxies = [${listed}]`, "if not: nothing"],
  };
}

function otherThan({ peerAddress, proxies }: Passed, other: string): Complaint {
  const { name, nginx } = HEADERS[proxies.header];
  const isKnown = Object.hasOwn(HEADERS, other);
  return {
    code: "address_header_other",
    found: `${peerAddress} sent no ${name} but ${other}: whoever is behind it counts as ${peerAddress}`,
    fix: [
      `nginx: ${nginx}`,
      ...(isKnown
        ? [`or, if it is the proxy that sets it: server.client_address_header = "${other}"`]
        : []),
    ],
  };
}

function missing({ peerAddress, proxies, url }: Passed): Complaint | undefined {
  // Whoever sits at the machine itself asks without a proxy as well.
  if (isLoopback(peerAddress) || HEALTH_CHECK.test(url())) return undefined;
  const { name, nginx } = HEADERS[proxies.header];
  return {
    code: "address_header_missing",
    found: `${peerAddress} is a trusted proxy and sent no ${name}: whoever is behind it counts as ${peerAddress}, and if others of its requests have one, it passes on what clients write`,
    fix: [`nginx: ${nginx}`],
  };
}

function unclear({ peerAddress, proxies }: Passed, value: string): Complaint {
  const { name, nginx } = HEADERS[proxies.header];
  const end = JSON.stringify(value.slice(-SHOWN_MAX_CHARS));
  return {
    code: "address_unclear",
    found: `${peerAddress} sent a ${name} that ends in ${end}, wanted the address of whoever asked it`,
    fix: [`nginx: ${nginx}`],
  };
}
