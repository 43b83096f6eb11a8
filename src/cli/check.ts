import { ConfigError } from "../config/problems.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { CHECKS, type Finding } from "./checks.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { type FoundConfig, readConfig } from "./read-config.ts";

interface Report {
  readonly id: string;
  readonly question: string;
  readonly findings: readonly Finding[];
}

/** `posthorn check`. */
export const checkCommand: Command = {
  name: "check",
  summary: "Check the configuration and what it needs",
  usage: `Usage: posthorn check [--config FILE] [--json]

  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --json         Print {"ok","file","checks":[{"id","question","findings":[{"status","found","remedy"}]}]}

Ends with 0 when all is well, 1 when a check fails and 2 when the configuration itself is wrong,
which --json tells as {"ok","problems":[{"key","source","message"}]}.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, {
      config: { type: "string" },
      json: { type: "boolean" },
    });
    refuseArguments(positionals);
    const { json = false, config } = values;
    try {
      return await answer(await readConfig(context, { config }), json, context);
    } catch (error) {
      if (!json || !(error instanceof ConfigError)) throw error;
      context.stdout(problemsJson(error));
      return 2;
    }
  },
};

async function answer(
  found: FoundConfig,
  json: boolean,
  context: CommandContext,
): Promise<ExitCode> {
  const reports: Report[] = [];
  for (const { id, question, probe } of CHECKS) {
    reports.push({ id, question, findings: await probe(found.config, context) });
  }
  const ok = reports.every(({ findings }) => findings.every(({ status }) => status !== "fail"));
  context.stdout(json ? jsonOf(ok, found, reports) : textOf(found, reports));
  return ok ? 0 : 1;
}

/** What is wrong with a configuration, for a script. */
export function problemsJson({ problems }: ConfigError): string {
  const list = problems.map(({ key, origin, message }) => ({ key, source: origin.name, message }));
  return `${JSON.stringify({ ok: false, problems: list })}\n`;
}

function jsonOf(ok: boolean, { file }: FoundConfig, checks: readonly Report[]): string {
  return `${JSON.stringify({ ok, file: file ?? null, checks })}\n`;
}

function textOf({ file }: FoundConfig, reports: readonly Report[]): string {
  const source = file ?? "no file, only defaults and variables";
  const lines = reports.flatMap(({ question, findings }) =>
    findings.flatMap((finding) => linesOf(question, finding)),
  );
  return `${[`Configuration: ${source}`, ...lines].join("\n")}\n`;
}

function linesOf(question: string, finding: Finding): string[] {
  const first = `${finding.status.toUpperCase().padEnd(4)} ${question}`;
  const found = `     found: ${finding.found}`;
  return finding.status === "ok" ? [first, found] : [first, found, `     fix:   ${finding.remedy}`];
}
