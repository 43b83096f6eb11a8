import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import type { ConfigFlags, ConfigSources } from "../config/sources.ts";
import type { TomlFile } from "../config/toml-file.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { codeOf, explainIo } from "./io-errors.ts";

/** Where the configuration is looked for when no file is named. */
const DEFAULT_FILES = ["posthorn.toml", "/etc/posthorn/posthorn.toml"];

/** What the command line says about the configuration. */
export interface ConfigArguments extends ConfigFlags {
  /** The file to read instead of the usual ones. It must exist. */
  readonly config?: string | undefined;
}

/** A configuration and the file it came from, if there was one. */
export interface FoundConfig {
  readonly config: Config;
  readonly file: string | undefined;
  readonly sources: ConfigSources;
}

/** Reads the configuration a command works with. Throws a `ConfigError` or a {@link UsageError}. */
export async function readConfig(
  { env, cwd }: Pick<CommandContext, "env" | "cwd">,
  { config: named, ...flags }: ConfigArguments,
): Promise<FoundConfig> {
  const toml = named === undefined ? await findFile(cwd) : await readToml(cwd, named);
  const sources = { env, flags, cwd, ...(toml && { toml }) };
  return { config: loadConfig(sources), file: toml && resolve(cwd, toml.path), sources };
}

/**
 * The same sources as their file says it now. It MUST still be there: a server that was started with a
 * file does not go on with the defaults. Where there was none, one may have come. Throws a {@link UsageError}.
 */
export async function rereadSources(
  { sources }: FoundConfig,
  { cwd }: Pick<CommandContext, "cwd">,
): Promise<ConfigSources> {
  const { toml: before } = sources;
  const toml = before === undefined ? await findFile(cwd) : await readToml(cwd, before.path);
  return { ...sources, ...(toml && { toml }) };
}

async function findFile(cwd: string): Promise<TomlFile | undefined> {
  for (const path of DEFAULT_FILES) {
    const toml = await readToml(cwd, path).catch(unlessMissing);
    if (toml !== undefined) return toml;
  }
  return undefined;
}

function unlessMissing(error: unknown): undefined {
  const code = error instanceof Error ? codeOf(error.cause) : undefined;
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
}

async function readToml(cwd: string, path: string): Promise<TomlFile> {
  try {
    return { path, text: await readFile(resolve(cwd, path), "utf8") };
  } catch (cause) {
    const message = `Cannot read configuration file ${path}: ${explainIo(cause)}`;
    throw new UsageError(message, { cause });
  }
}
