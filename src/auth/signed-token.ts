import { Buffer } from "node:buffer";
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { hasDuplicateNames } from "./duplicate-names.ts";
import { invalid, type Payload } from "./payload.ts";
import type { KeySource, TokenHeader, TokenKey } from "./token-keys.ts";

/** What a token must be like, whatever it says. */
export interface TokenRules {
  readonly sources: readonly KeySource[];
  readonly audience?: string;
  readonly issuer?: string;
  readonly clockToleranceS: number;
  readonly nowMs: () => number;
}

const SIGNATURE_MISFIT = "its signature does not fit any key configured in tokens";

/**
 * Reads a token that one of the keys signed, that is valid now and that is meant for us. Throws
 * `token_expired`, `token_invalid` or what a source throws; nothing of the token is in them.
 */
export async function readSignedToken(token: string, rules: TokenRules): Promise<Payload> {
  if (token.length > LIMITS.tokenMaxChars) {
    throw invalid(`it is longer than ${LIMITS.tokenMaxChars} characters`);
  }
  const header = headerOf(token);
  const sources = rules.sources.filter(({ algorithms }) => algorithms.includes(header.alg));
  if (sources.length === 0) {
    const known = new Set(rules.sources.flatMap(({ algorithms }) => algorithms));
    throw invalid(`its algorithm is none of ${[...known].join(", ")}`);
  }
  for (const source of sources) {
    for (const key of await source.keysFor(header)) {
      const claims = await claimsSignedBy(key, token, {
        ...optionsOf(rules),
        algorithms: [header.alg],
      });
      if (claims !== undefined) return payloadOf(token, claims);
    }
  }
  throw invalid(SIGNATURE_MISFIT);
}

function headerOf(token: string): TokenHeader {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg === "string") return { alg, ...(typeof kid === "string" && { kid }) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw invalid(NOT_A_TOKEN);
}

function optionsOf({ audience, issuer, clockToleranceS, nowMs }: TokenRules): JWTVerifyOptions {
  return {
    clockTolerance: clockToleranceS,
    currentDate: new Date(nowMs()),
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
  };
}

/** Undefined when another key made the signature. */
async function claimsSignedBy(
  key: TokenKey,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, options);
    return payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    throw toFault(error);
  }
}

function payloadOf(token: string, claims: JWTPayload): Payload {
  const [header = "", text = ""] = token
    .split(".", 2)
    .map((part) => new TextDecoder().decode(Buffer.from(part, "base64url")));
  if (hasDuplicateNames(header) || hasDuplicateNames(text))
    throw invalid("it says something twice");
  return { claims, text };
}

/** Says in our words what is wrong: errors of the library hold claims, so not even as a cause do they go on. */
function toFault(error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error;
  if (error instanceof errors.JWTExpired) {
    return new Fault("token_expired", { detail: "its exp is over" });
  }
  if (error instanceof errors.JWTClaimValidationFailed) return claimFault(error);
  return invalid(REASONS[error.code] ?? NOT_A_TOKEN);
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed): Fault {
  if (reason === "invalid") return invalid(`its claim ${claim} is malformed`);
  if (claim === "nbf") {
    return new Fault("token_expired", { detail: "its nbf is not reached yet" });
  }
  return invalid(
    `its claim ${claim} is not ${claim === "aud" ? "tokens.audience" : "tokens.issuer"}`,
  );
}

const NOT_A_TOKEN = "it is no signed JWT";
const REASONS: Readonly<Record<string, string>> = {
  ERR_JOSE_NOT_SUPPORTED: "it needs an extension that is not known here",
};
