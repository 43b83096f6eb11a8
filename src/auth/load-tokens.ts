import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { TokenVerifier } from "../core/ports/tokens.ts";
import type { WebClient } from "../core/ports/web-client.ts";
import { createKeySet } from "./key-set.ts";
import { readEcdsaKey, readRsaKey } from "./public-key-file.ts";
import type { KeySource } from "./token-keys.ts";
import { createTokens } from "./tokens.ts";

/** What the configuration says of tokens. */
export interface TokenSettings {
  readonly secret?: string;
  readonly previousSecret?: string;
  readonly rsaPublicKeyFile?: string;
  readonly ecdsaPublicKeyFile?: string;
  readonly jwksUrl?: string;
  readonly audience?: string;
  readonly issuer?: string;
  readonly userClaim: string;
}

interface Around {
  /** Those at `jwksUrl`, when they are known from before. */
  readonly published?: KeySource;
  readonly web: WebClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reads the keys there are. Undefined when none is configured; throws `config_invalid` for one of no use. */
export async function loadTokens(
  settings: TokenSettings,
  around: Around,
): Promise<TokenVerifier | undefined> {
  const { rsaPublicKeyFile, ecdsaPublicKeyFile, jwksUrl } = settings;
  const sources: KeySource[] = [];
  if (rsaPublicKeyFile !== undefined) sources.push(await readRsaKey(rsaPublicKeyFile));
  if (ecdsaPublicKeyFile !== undefined) sources.push(await readEcdsaKey(ecdsaPublicKeyFile));
  if (jwksUrl !== undefined) {
    sources.push(around.published ?? createKeySet({ url: jwksUrl, ...around }));
  }
  if (settings.secret === undefined && sources.length === 0) return undefined;
  return createTokens({ ...settings, sources, clock: around.clock });
}
