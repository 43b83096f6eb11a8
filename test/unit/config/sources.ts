import { loadConfig } from "../../../src/config/load-config.ts";
import { ConfigError } from "../../../src/config/problems.ts";
import type { ConfigSources } from "../../../src/config/sources.ts";

/** Sources of which only some matter. */
export type SomeSources = Partial<Omit<ConfigSources, "toml">> & { readonly toml?: string };

/** Loads a configuration whose file, if there is a text, is called posthorn.toml. */
export function load({ toml, env = {}, flags = {}, ...others }: SomeSources) {
  const file = toml === undefined ? {} : { toml: { text: toml, path: "posthorn.toml" } };
  return loadConfig({ env, flags, ...file, ...others });
}

/** What is wrong with sources that cannot be used, one line per problem. */
export function problemsWith(sources: SomeSources): string[] {
  try {
    load(sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, origin, message }) => `${key} (${origin.name}): ${message}`);
  }
  return [];
}
