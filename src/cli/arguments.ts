import { type ParseArgsConfig, parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import { Fault } from "../core/faults.ts";
import { UsageError } from "./command.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Option = Options[string];

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** Parses what follows a command, or throws a {@link UsageError} that says what would be right. */
export function parseArguments<const Known extends Options>(
  args: readonly string[],
  options: Known,
) {
  const config = { args: [...args], options, allowPositionals: true } as const;
  const given = new Set<string>();
  for (const token of parseArgs({ ...config, strict: false, tokens: true }).tokens) {
    if (token.kind !== "option") continue;
    checkOption(token, knownOption(token, options), given);
    given.add(token.name);
  }
  return parseArgs(config);
}

/** The one argument beside the options, or a {@link UsageError}. */
export function onlyArgument(what: string, [argument, ...others]: readonly string[]): string {
  if (argument === undefined) throw new UsageError(`Cannot go on without ${what}`);
  refuseArguments(others);
  return argument;
}

/** Throws a {@link UsageError} when something is there that no option takes. */
export function refuseArguments([argument]: readonly string[]): void {
  if (argument === undefined) return;
  throw new UsageError(`Cannot use ${JSON.stringify(argument)}: nothing more was expected`);
}

/** Runs a parser on what the command line says: what is refused as malformed is a {@link UsageError}. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof Fault && cause.kind === "invalid")
      throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

function knownOption({ name, rawName }: OptionToken, options: Options): Option {
  const option = new Map(Object.entries(options)).get(name);
  if (option !== undefined) return option;
  const names = Object.keys(options).map((it) => `--${it}`);
  const near = nearest(rawName, names);
  const known = names.length === 0 ? "this command has none" : `known here: ${names.join(", ")}`;
  const hint = near === undefined ? known : `did you mean ${near}?`;
  throw new UsageError(`Cannot use ${rawName}: there is no such option, ${hint}`);
}

function checkOption(token: OptionToken, option: Option, given: ReadonlySet<string>): void {
  const { name, rawName, value, inlineValue } = token;
  if (option.type === "boolean" && value !== undefined) {
    throw new UsageError(`Cannot use ${rawName}: it takes no value`);
  }
  // "--port --dev" is a forgotten value, "--name=-x" is one that starts with a dash.
  const isForgotten = value === undefined || (value.startsWith("-") && inlineValue !== true);
  if (option.type === "string" && isForgotten) {
    throw new UsageError(`Cannot use ${rawName}: it wants a value`);
  }
  if (given.has(name) && option.multiple !== true) {
    throw new UsageError(`Cannot use ${rawName} twice`);
  }
}
