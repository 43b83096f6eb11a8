import { networkInterfaces } from "node:os";
import { DEV_API_KEY } from "../auth/api-keys.ts";
import { DEV_SECRET } from "../auth/dev-devices.ts";
import { type RunningServer, startServer } from "../compose.ts";
import type { Config } from "../config/config.ts";
import { isLoopback } from "../core/loopback.ts";
import type { Log } from "../core/ports/log.ts";
import { currentHost } from "../runtime/current-host.ts";
import { createLog } from "../telemetry/log.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { dialAddress } from "./dial-address.ts";
import { phoneHint } from "./phone-hint.ts";
import { readConfig } from "./read-config.ts";
import { SECRET_REMEDY } from "./remedies.ts";

const OPTIONS = {
  config: { type: "string" },
  dev: { type: "boolean" },
  host: { type: "string" },
  port: { type: "string" },
  data: { type: "string" },
} as const;

/** `posthorn serve`. */
export const serveCommand: Command = {
  name: "serve",
  summary: "Run the server",
  usage: `Usage: posthorn serve [options]

  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --dev          Development: loopback only, everyone may do everything, nothing is kept
  --host HOST    Where to listen
  --port PORT    The port to listen on; 0 picks a free one
  --data DIR     The directory of the store

Ends on SIGTERM and SIGINT, after every client was told when to come back.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { config } = await readConfig(context, values);
    return serve(config, context);
  },
};

async function serve(config: Config, context: CommandContext): Promise<ExitCode> {
  const { clock, entropy, signal } = context;
  const log = createLog({ ...formatOf(config, context), clock, write: lineWriter(context) });
  const host = await currentHost(log);
  let isFinished = false;
  {
    await using server = await startServer(config, { clock, entropy, log, host });
    announce(server, { config, context, log });
    await aborted(signal);
    isFinished = await server.drain();
  }
  // Behind the block: only now the store has written everything.
  log.info("server.stopped", { finished: isFinished });
  return 0;
}

function formatOf({ log }: Config, { stdoutIsTty }: CommandContext) {
  const format = log.format === "auto" ? (stdoutIsTty ? "text" : "json") : log.format;
  return { level: log.level, format } as const;
}

function lineWriter({ stdout }: CommandContext): (line: string) => void {
  return (line) => stdout(`${line}\n`);
}

interface Announcement {
  readonly config: Config;
  readonly context: CommandContext;
  readonly log: Log;
}

/** One line for whoever starts it, and in development the things to try next. */
function announce(server: RunningServer, { config, context, log }: Announcement): void {
  const { port, secure } = server;
  const address = `${dialAddress(config.server.host)}:${port}`;
  const urls = [
    `http${secure ? "s" : ""}://${address}`,
    `ws${secure ? "s" : ""}://${address}/login`,
  ];
  log.info("server.listening", { urls, port, dev: config.dev });
  // Beside the log: a script that reads the log must not meet prose.
  if (config.dev) context.stderr(devBanner(config, urls[0] ?? "", urls[1] ?? ""));
  else if (hasNoKey(config)) log.warn("keys.missing", { remedy: SECRET_REMEDY });
  if (!config.dev && config.clients.insecure) warnInsecure(context, log);
}

/** Without any key no token can be right, and unless somebody else vouches for users nobody can sign in. */
function hasNoKey({ tokens, callbacks, api, logins }: Config): boolean {
  if (api.keys.length > 0 || logins.size > 0) return false;
  const { secret, rsaPublicKeyFile, ecdsaPublicKeyFile, jwksUrl } = tokens;
  const keys = [secret, rsaPublicKeyFile, ecdsaPublicKeyFile, jwksUrl, callbacks.urls.connect];
  return keys.every((key) => key === undefined);
}

function devBanner({ server, tls }: Config, http: string, ws: string): string {
  const isOpen = !isLoopback(server.host);
  const warning = isOpen ? ` It listens on ${server.host}: so may everyone on the network.` : "";
  const trust = tls === undefined ? "" : "-k ";
  return `
Posthorn runs in development mode: everyone may do everything.${warning} Post as a terminal, listen
to it as a phone would (in a browser console: new WebSocket("…").onmessage = (it) => console.log(it.data)), or see both in one page:

  curl ${trust}${http}/v1/devices/demo/events -H 'Authorization: Bearer ${DEV_SECRET}' -d '{"type":"reading","data":{"temperature":21.5}}'
  ${ws}?device=demo
  ${http}/console

Command it as a backend would, whose key is ${DEV_API_KEY} (as a bearer credential that word is every
device's secret), and see a terminal and the phone beside it at work:

  curl ${trust}${http}/v1/devices/demo/commands -H 'X-API-Key: ${DEV_API_KEY}' -d '{"type":"light","data":{"on":true}}'
  posthorn demo-device --url ${http}
  ${http}/demo
${isOpen ? phoneHint(http, networkInterfaces()) : ""}
`;
}

/** Said twice: whoever starts it by hand may not read the log, and whoever reads the log may not have started it. */
function warnInsecure(context: CommandContext, log: Log): void {
  const detail =
    "clients.insecure is on: whoever reaches this server may read and write all there is";
  log.warn("server.insecure", { detail });
  context.stderr(`\n${detail}. It is for test suites only.\n\n`);
}

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
