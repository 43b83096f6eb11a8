import { nearest } from "../config/nearest.ts";
import { ConfigError } from "../config/problems.ts";
import { VERSION } from "../version.ts";
import { type Command, type CommandContext, type ExitCode, UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";

const HELP_WORDS = new Set(["help", "--help", "-h"]);
const VERSION_WORDS = new Set(["--version", "-V"]);

/** Runs one command line, without the words that started the program. Never rejects. */
export async function runCli(
  [word, ...args]: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  if (word === undefined) {
    context.stderr(overview());
    return 2;
  }
  try {
    if (HELP_WORDS.has(word)) return help(args, context);
    const command = commandNamed(VERSION_WORDS.has(word) ? "version" : word);
    return asksForHelp(args) ? help([command.name], context) : await command.run(args, context);
  } catch (error) {
    return report(error, word, context);
  }
}

function help([name]: readonly string[], { stdout }: CommandContext): ExitCode {
  if (name === undefined) {
    stdout(overview());
    return 0;
  }
  const { summary, usage } = commandNamed(name);
  stdout(`${summary}\n\n${usage}\n`);
  return 0;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    `posthorn ${VERSION}: terminals post over HTTP, users listen over wss`,
    "",
    "Usage: posthorn <command> [options]",
    "",
    ...lines,
    "",
    "Try: posthorn help <command>",
    "",
  ].join("\n");
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((it) => it.name === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map((it) => it.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`Cannot run ${JSON.stringify(name)}: there is no such command, ${hint}`);
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes("--help") || options.includes("-h");
}

function report(error: unknown, word: string, { stderr }: CommandContext): ExitCode {
  stderr(`${textOf(error)}\n`);
  if (error instanceof ConfigError) return 2;
  if (!(error instanceof UsageError)) return 1;
  const isKnown = COMMANDS.some(({ name }) => name === word);
  stderr(`Try: posthorn help${isKnown ? ` ${word}` : ""}\n`);
  return 2;
}

/** What failed is told in a line; where it failed matters only when it is a bug of ours. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isBug = [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
  return isBug ? (error.stack ?? error.message) : error.message;
}
