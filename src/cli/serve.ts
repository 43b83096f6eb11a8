import { networkInterfaces } from "node:os";
import { DEV_API_KEY } from "../auth/api-keys.ts";
import { DEV_SECRET } from "../auth/dev-devices.ts";
import { type RunningServer, startServer } from "../compose.ts";
import type { Config } from "../config/config.ts";
import { coalesced } from "../core/coalesced.ts";
import { detach } from "../core/detach.ts";
import { LIMITS } from "../core/limits.ts";
import { isLoopback } from "../core/loopback.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import { rehearseOpening } from "../engine/sqlite/rehearsal.ts";
import { answerHanded } from "../http/handed-requests.ts";
import { currentHost } from "../runtime/current-host.ts";
import { countLines } from "../telemetry/counted-log.ts";
import { createLog, type LeveledLog } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { storeFileOf } from "./backup.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { createConfigReload } from "./config-reload.ts";
import { dialAddress } from "./dial-address.ts";
import { phoneHint } from "./phone-hint.ts";
import { type FoundConfig, readConfig } from "./read-config.ts";
import { SECRET_REMEDY } from "./remedies.ts";
import { type Control, findPredecessor, openControl } from "./serve-control.ts";
import { tellSystemd } from "./systemd.ts";
import { createUpgrade } from "./upgrade.ts";

const OPTIONS = {
  config: { type: "string" },
  dev: { type: "boolean" },
  host: { type: "string" },
  port: { type: "string" },
  data: { type: "string" },
  takeover: { type: "boolean" },
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
  --takeover     Take the place of the server that serves this store, without a pause

Ends on SIGTERM and SIGINT, after every client was told when to come back; at once when it gets another
one. On SIGUSR2 it starts its executable anew, as it is by now, to take over from it. On SIGHUP it reads the
configuration again and takes over what it can; the log names what needs a restart.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { takeover = false, ...flags } = values;
    return serve(await readConfig(context, flags), { context, args, takeover });
  },
};

interface Serving {
  readonly context: CommandContext;
  /** Those of the command line, for whoever is started to take over. */
  readonly args: readonly string[];
  readonly takeover: boolean;
}

async function serve(found: FoundConfig, { context, args, takeover }: Serving): Promise<ExitCode> {
  const { config } = found;
  const { clock, entropy, signal, usage } = context;
  const log = createLog({ ...formatOf(config, context), clock, write: lineWriter(context) });
  const metrics = createMetrics(log);
  const counted = countLines(log, metrics);
  const host = await currentHost(counted);
  const started = Promise.withResolvers<RunningServer>();
  onReload(found, { context, log, metrics, started: started.promise });
  const predecessor = takeover ? await predecessorOf(config, context) : undefined;
  let isFinished = false;
  {
    const around = { clock, entropy, log: counted, metrics, usage, host };
    await using server = await startServer(config, around, predecessor);
    detach(log, "predecessor", async () => {
      await predecessor?.serve((request) => answerHanded(request, server.enter));
    });
    const urls = announce(server, { config, context, log });
    started.resolve(server);
    const { sharesPort } = host.capabilities;
    await using control = await openControl({
      ...{ config, context, server, log: counted, urls, sharesPort, predecessor },
    });
    detach(log, "systemd", () => tellSystemd(context, log));
    context.onUpgrade?.(createUpgrade(args, context, { log, isGiven: () => control.isGiven() }));
    await Promise.race([aborted(signal), control.given]);
    if (control.isGiven()) return await leave(server, { control, log, clock });
    isFinished = await server.drain(context.forced);
  }
  // Behind the block: only now the store has written everything.
  log.info("server.stopped", { finished: isFinished });
  return 0;
}

/** Whom to take over from, when we are sure that we can. */
async function predecessorOf(config: Config, context: CommandContext) {
  const file = storeFileOf(config);
  const predecessor = await findPredecessor(file, context);
  if (predecessor !== undefined) rehearseOpening(file, context.clock.nowMs());
  return predecessor;
}

interface Leaving {
  readonly control: Control;
  readonly log: Log;
  readonly clock: Clock;
}

/** Another server has everything: only connections are left, which say goodbye. */
async function leave(server: RunningServer, { control, log, clock }: Leaving): Promise<ExitCode> {
  const given = await control.given;
  const late = Promise.withResolvers<void>();
  clock.after(LIMITS.closeGraceMs, late.resolve);
  await Promise.race([server.stopListening(), late.promise]);
  if (given === "lost") log.error("takeover.lost");
  else log.info("takeover.done");
  return given === "lost" ? 1 : 0;
}

interface Reloading {
  readonly context: CommandContext;
  readonly log: LeveledLog;
  readonly metrics: Metrics;
  readonly started: Promise<RunningServer>;
}

/** What asks for it before the server has started waits for that; what asks while it ends comes too late. */
function onReload(found: FoundConfig, { started, ...parts }: Reloading): void {
  const { context, log } = parts;
  const reload = started.then((server) => createConfigReload({ ...parts, found, server }));
  const request = coalesced(async () => {
    const run = await reload;
    if (context.signal?.aborted !== true) await run();
  });
  context.onReload?.(() => {
    detach(log, "config_reload", request);
    // Whatever is thought of the configuration: whoever renewed a certificate sends the same signal.
    detach(log, "tls_reload", async () => {
      await (await started).certificates?.reload();
    });
  });
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
function announce(
  server: RunningServer,
  { config, context, log }: Announcement,
): readonly string[] {
  const { port, httpPort, devicesPort, secure } = server;
  const address = `${dialAddress(config.server.host)}:${port}`;
  const urls = [
    `http${secure ? "s" : ""}://${address}`,
    `ws${secure ? "s" : ""}://${address}/login`,
  ];
  log.info("server.listening", {
    ...{ urls, port, dev: config.dev },
    ...(httpPort !== undefined && { httpPort }),
    ...(devicesPort !== undefined && { devicesPort }),
  });
  // Beside the log: a script that reads the log must not meet prose.
  if (config.dev) context.stderr(devBanner(config, urls[0] ?? "", urls[1] ?? ""));
  else if (hasNoKey(config)) log.warn("keys.missing", { remedy: SECRET_REMEDY });
  if (!config.dev && config.clients.insecure) warnInsecure(context, log);
  return urls;
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
