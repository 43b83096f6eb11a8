import type { ControlMessage } from "../control/control-channel.ts";
import { controlPathOf, reachControl } from "../control/control-socket.ts";
import { SAYS } from "../control/message-types.ts";
import { nextWithin } from "../control/next-within.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { storeFileOf } from "./backup.ts";
import type { Command, CommandContext } from "./command.ts";
import { explainIo } from "./io-errors.ts";
import { readConfig } from "./read-config.ts";

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  json: { type: "boolean" },
} as const;
const SECONDS_PER = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

/** `posthorn status`. */
export const statusCommand: Command = {
  name: "status",
  summary: "Ask the server on this machine how it is",
  usage: `Usage: posthorn status [--config FILE] [--data DIR] [--json]

  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --data DIR     The directory of the store, instead of the configured one
  --json         Print {"version","pid","uptime_ms","urls","http_port","devices_port","ready","certificates"}; null where none runs

Ends with 0 when it is ready for work and with 1 when it is not, or none runs. Only the user who runs
the server and root may ask.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { json = false, ...store } = values;
    const file = storeFileOf((await readConfig(context, store)).config);
    const status = await askStatus(controlPathOf(file), context);
    if (json) context.stdout(`${JSON.stringify(status ?? null)}\n`);
    else context.stdout(status === undefined ? `No server serves ${file}\n` : textOf(status));
    return status?.["ready"] === true ? 0 : 1;
  },
};

/** What a server says of itself by its control socket; undefined when none is there. */
export async function askStatus(path: string, { clock }: Pick<CommandContext, "clock">) {
  const channel = await reachControl(path).catch((cause) => {
    throw new Error(`Cannot ask the server at ${path}: ${explainIo(cause)}`, { cause });
  });
  if (channel === undefined) return undefined;
  using asking = channel;
  asking.send({ type: SAYS.status });
  const message = await nextWithin(asking, TAKEOVER_LIMITS.controlTimeoutMs, clock);
  if (message === undefined)
    throw new Error(`Cannot ask the server at ${path}: it does not answer`);
  const { type: _, ...status } = message;
  return status;
}

function textOf(status: Omit<ControlMessage, "type">): string {
  const { version, pid, uptime_ms, urls, ready, certificates } = status;
  const state = ready === true ? "ready" : "not ready: its log says why";
  const lines = [
    `posthorn ${version}, process ${pid}, up ${spanOf(Number(uptime_ms) / 1000)}: ${state}`,
    ...(Array.isArray(urls) ? urls.map((url) => `  ${url}`) : []),
    ...portLine("server.http_port, plain http", status["http_port"]),
    ...portLine("server.devices_port, https for devices", status["devices_port"]),
    ...(Array.isArray(certificates) ? certificates.flatMap(certificateLine) : []),
  ];
  return `${lines.join("\n")}\n`;
}

function portLine(what: string, port: unknown): string[] {
  return typeof port === "number" ? [`  port ${port} (${what})`] : [];
}

/** Of certificates that are as they should be nobody needs to read. */
function certificateLine(certificate: Readonly<Record<string, unknown>>): string[] {
  const { name, expires, served, newest } = certificate;
  if (newest === true) return [];
  const now = served === true ? `one until ${expires} is in service` : "none is in service";
  return [`  certificate ${name}: what is there now cannot be used, ${now}; the log says why`];
}

/** The two largest units say enough. */
function spanOf(seconds: number): string {
  let left = Math.round(seconds);
  const parts = Object.entries(SECONDS_PER).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return { count, text: `${count}${unit}` };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  return first < 0
    ? "0s"
    : parts
        .slice(first, first + 2)
        .map(({ text }) => text)
        .join(" ");
}
