import type { Config } from "./config.ts";
import { ConfigError } from "./problems.ts";
import { parseToml, type TomlFile } from "./toml-file.ts";

const REMEDY = "if it is meant, restart the server";

/** A configuration, and the file it was made of, if there was one. */
export interface Read {
  readonly config: Config;
  readonly toml?: TomlFile | undefined;
}

/**
 * Throws a {@link ConfigError} for what a running server takes over only to lock everybody out: a file
 * without any setting, as a full disk or a failed template leaves it, or one from which every key is gone.
 */
export function checkLockout(before: Read, wanted: Read): void {
  const name = wanted.toml?.path ?? "environment";
  if (wanted.toml !== undefined && isEmpty(wanted.toml) && !isEmpty(before.toml)) {
    throw refusal(name, `got no setting at all, wanted those of before; ${REMEDY}`);
  }
  const lost = keysOf(before.config);
  if (lost.length > 0 && keysOf(wanted.config).length === 0) {
    const found = `got none of the keys that were there (${lost.join(", ")})`;
    throw refusal(name, `${found}, wanted at least one: nobody could sign in; ${REMEDY}`);
  }
}

function refusal(name: string, message: string): ConfigError {
  return new ConfigError([{ key: "", origin: { kind: "file", name }, message }]);
}

function isEmpty(toml: TomlFile | undefined): boolean {
  return toml === undefined || Object.keys(parseToml(toml)).length === 0;
}

/** What lets anybody in, by the names of the file. */
function keysOf({ tokens, api, devices, sessions }: Config): string[] {
  const keys: Readonly<Record<string, unknown>> = {
    "tokens.secret": tokens.secret,
    "tokens.previous_secret": tokens.previousSecret,
    "tokens.rsa_public_key": tokens.rsaPublicKeyFile,
    "tokens.ecdsa_public_key": tokens.ecdsaPublicKeyFile,
    "tokens.jwks_url": tokens.jwksUrl,
    "api.keys": api.keys[0],
    "devices.fleet_keys": devices.fleetKeys[0],
    "sessions.secret": sessions.secret,
  };
  return Object.entries(keys).flatMap(([name, key]) => (key === undefined ? [] : [name]));
}
