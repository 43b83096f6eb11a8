import { createSecureContext } from "node:tls";
import type { TlsFiles } from "../core/ports/host.ts";
import { errorFinding, type Finding } from "./finding.ts";

/**
 * Says why the runtime would not serve these, which look well: one that it refuses keeps the listener from
 * taking all others along with it.
 */
export function rehearse({ cert, key }: TlsFiles): Finding[] {
  try {
    createSecureContext({ cert, key });
    return [];
  } catch (error) {
    // The text of an OpenSSL error could quote the input; its code does not.
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    const found = `tls.cert and tls.key cannot be served: this runtime refuses them${code}`;
    const remedy =
      "Have it issued for a new key (ECDSA P-256 or RSA 2048), with the key usage digitalSignature";
    return [errorFinding("certificate_refused", found, remedy)];
  }
}
