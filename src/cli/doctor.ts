import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../config/problems.ts";
import { formatDuration, parseDurationMs } from "../config/units.ts";
import { LIMITS } from "../core/limits.ts";
import type { Finding } from "../doctor/finding.ts";
import { languageNamed, languageOf } from "../doctor/language.ts";
import { VISIT_LIMITS } from "../doctor/limits.ts";
import { parseTarget, type Target } from "../doctor/target.ts";
import { type ServerVisit, visitServer } from "../doctor/visit-server.ts";
import {
  CATALOGUES,
  fill,
  isWell,
  type Language,
  type ReportOptions,
  reportJson,
  reportText,
} from "../doctor/write-report.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { problemsJson } from "./check.ts";
import { type Command, type CommandContext, type ExitCode, UsageError } from "./command.ts";
import { visitInside } from "./doctor-inside.ts";
import { explainIo } from "./io-errors.ts";
import { readConfig } from "./read-config.ts";

const OPTIONS = {
  config: { type: "string" },
  ca: { type: "string" },
  idle: { type: "string" },
  device: { type: "string" },
  secret: { type: "string" },
  ticket: { type: "string" },
  token: { type: "string" },
  "api-key": { type: "string" },
  lang: { type: "string" },
  json: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];

/** `posthorn doctor`. */
export const doctorCommand: Command = {
  name: "doctor",
  summary: "Find out what keeps phones and devices from the server, and how to mend it",
  usage: `Usage: posthorn doctor URL [options]        from outside, as phones and devices see it
       posthorn doctor [--config FILE]      from inside: configuration, machine, store

From outside:
  --idle DURATION   How long to hold a socket to see who cuts it (default ${formatDuration(VISIT_LIMITS.idleMs)}; 0 holds none)
  --ticket TICKET   Sign in at /login with this ticket, which is used up
  --token TOKEN     Sign in at /connection/websocket with this token
  --device ID       Be this device: post one event of type doctor.visit, which its listeners get, and
                    hold a poll. Use one made for this: a command that waits for it is leased
  --secret SECRET   The secret of that device
  --api-key KEY     Be the backend: call the method info of the server API, which changes nothing
  --ca FILE         Trust this authority (PEM) beside the public ones

A ticket, token, secret or key that begins with @ is the name of a file that holds it, so that no list of
processes shows it. None is ever printed.

For both:
  --lang LANGUAGE   en or zh (default: what LC_ALL, LC_MESSAGES or LANG say)
  --json            Print {"ok","place","took_ms","findings":[{"code","area","severity","found","why","remedy","values"}]}

Ends with 0 when nothing is an error (there may be warnings), 1 when something is, and 2 when the command
or the configuration itself is wrong.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [url, ...others] = positionals;
    refuseArguments(others);
    const language = languageIn(values, context);
    if (url === undefined) return fromInside(values, language, context);
    return fromOutside(url, { values, language, context });
  },
};

interface Order {
  readonly values: Values;
  readonly language: Language;
  readonly context: CommandContext;
}

async function fromOutside(url: string, { values, language, context }: Order): Promise<ExitCode> {
  if (values.config !== undefined) {
    throw new UsageError("Cannot use --config with a URL: one looks from inside, one from outside");
  }
  const visit = await visitOf(targetOf(url), values, context);
  const place = visit.target.url;
  if (context.stdoutIsTty && values.json !== true) {
    const seconds = visit.idleMs / 1000;
    context.stderr(`${fill(CATALOGUES[language].labels.looking, { place, seconds })}\n\n`);
  }
  const startedMs = context.clock.monotonicMs();
  const findings = await visitServer(visit);
  const tookMs = context.clock.monotonicMs() - startedMs;
  const secrets = [visit.credentials.ticket, visit.credentials.token, visit.apiKey];
  const known = [...secrets, visit.device?.secret].flatMap((it) => it ?? []);
  const options = { language, place, tookMs, secrets: known, isColoured: isColoured(context) };
  return report(findings, { options, isJson: values.json === true, context });
}

async function fromInside(
  values: Values,
  language: Language,
  context: CommandContext,
): Promise<ExitCode> {
  refuseOutside(values);
  const { json: isJson = false, config } = values;
  try {
    const startedMs = context.clock.monotonicMs();
    const found = await readConfig(context, { config });
    const { findings, secrets } = await visitInside(found, context);
    const tookMs = context.clock.monotonicMs() - startedMs;
    const place = found.file ?? "posthorn.toml (-)";
    const options = { language, place, tookMs, secrets, isColoured: isColoured(context) };
    return report(findings, { options, isJson, context });
  } catch (error) {
    if (!isJson || !(error instanceof ConfigError)) throw error;
    context.stdout(problemsJson(error));
    return 2;
  }
}

interface Reporting {
  readonly options: ReportOptions;
  readonly isJson: boolean;
  readonly context: CommandContext;
}

function report(findings: readonly Finding[], { options, isJson, context }: Reporting): ExitCode {
  context.stdout(isJson ? reportJson(findings, options) : reportText(findings, options));
  return isWell(findings) ? 0 : 1;
}

function isColoured({ stdoutIsTty, env }: CommandContext): boolean {
  return stdoutIsTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

function languageIn({ lang }: Values, { env }: CommandContext): Language {
  if (lang === undefined) return languageOf(env);
  const language = languageNamed(lang);
  if (language !== undefined) return language;
  const known = Object.keys(CATALOGUES).join(", ");
  throw new UsageError(`Cannot use --lang ${JSON.stringify(lang)}: known are ${known}`);
}

function targetOf(url: string): Target {
  const target = parseTarget(url);
  if (target !== undefined) return target;
  const wanted = "wanted something like https://push.example.com";
  throw new UsageError(`Cannot visit ${JSON.stringify(url.slice(0, 100))}: ${wanted}`);
}

async function visitOf(target: Target, values: Values, context: CommandContext) {
  const { device, idle } = values;
  const idleMs = idle === undefined ? VISIT_LIMITS.idleMs : durationOf(idle);
  const read = (text: string | undefined) => readSecret(text, context);
  const [secret, ticket, token, apiKey] = await Promise.all([
    read(values.secret),
    read(values.ticket),
    read(values.token),
    read(values["api-key"]),
  ]);
  if ((device === undefined) !== (secret === undefined)) {
    throw new UsageError("Cannot be a device: wanted both --device and --secret");
  }
  const ca = values.ca === undefined ? undefined : await readText(values.ca, context);
  const pollSeconds = Math.min(Math.max(Math.ceil(idleMs / 1000), 1), LIMITS.heldMaxSeconds);
  return {
    target,
    clock: context.clock,
    idleMs,
    plainPort: PLAIN_PORT,
    ...(context.signal !== undefined && { stop: context.signal }),
    credentials: { ...(ticket !== undefined && { ticket }), ...(token !== undefined && { token }) },
    ...(ca !== undefined && { ca }),
    ...(apiKey !== undefined && { apiKey }),
    ...(device !== undefined &&
      secret !== undefined && { device: { id: device, secret, pollSeconds } }),
  } satisfies ServerVisit;
}

const PLAIN_PORT = 80;

function refuseOutside(values: Values): void {
  const outside = ["ca", "idle", "device", "secret", "ticket", "token", "api-key"] as const;
  const stray = outside.find((name) => values[name] !== undefined);
  if (stray === undefined) return;
  throw new UsageError(`Cannot use --${stray} without a URL: it is for a visit from outside`);
}

function durationOf(text: string): number {
  const durationMs = text === "0" ? 0 : parseDurationMs(text);
  if (durationMs !== undefined && durationMs <= VISIT_LIMITS.idleMaxMs) return durationMs;
  const most = formatDuration(VISIT_LIMITS.idleMaxMs);
  throw new UsageError(
    `Cannot use --idle ${JSON.stringify(text)}: wanted a duration up to ${most}, such as 90s`,
  );
}

async function readSecret(
  text: string | undefined,
  context: CommandContext,
): Promise<string | undefined> {
  if (text === undefined || !text.startsWith("@")) return text;
  return (await readText(text.slice(1), context)).trim();
}

async function readText(path: string, { cwd }: CommandContext): Promise<string> {
  try {
    return await readFile(resolve(cwd, path), "utf8");
  } catch (cause) {
    throw new UsageError(`Cannot read ${path}: ${explainIo(cause)}`, { cause });
  }
}
