import { createTokenSigner, type TokenSigner } from "../auth/token-signer.ts";
import { parseDurationMs } from "../config/units.ts";
import { parseChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import { checkCommandPattern } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import { asUsage, parseArguments, refuseArguments } from "./arguments.ts";
import { type Command, type CommandContext, UsageError } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { SECRET_REMEDY } from "./remedies.ts";

const OPTIONS = {
  user: { type: "string" },
  channel: { type: "string", multiple: true },
  device: { type: "string", multiple: true },
  command: { type: "string", multiple: true },
  "channel-token": { type: "string" },
  ttl: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
} as const;
const TTL_DEFAULT = "1h";
const TTL_MAX_MS = 3650 * 24 * 60 * 60 * 1000;

/** `posthorn token`. */
export const tokenCommand: Command = {
  name: "token",
  summary: "Make a token that lets a user in, or into a channel",
  usage: `Usage: posthorn token --user USER [--channel CHANNEL]... [--device ID]... [--command PATTERN]... [options]
       posthorn token --user USER --channel-token CHANNEL [options]

  --user USER        Whom it is for; "" is nobody in particular
  --channel CHANNEL  Subscribe the user to this channel; may be repeated
  --device ID        Let the user see this device; may be repeated
  --command PATTERN  Let the user send these devices commands of this type, such as "lamp.*"; may be repeated
  --channel-token CHANNEL
                     Make a subscription token instead: a connected user shows it to subscribe to this channel
  --ttl DURATION     How long it is good for, such as 90s, 15m, 1h or 7d (default ${TTL_DEFAULT})
  --config FILE      The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --json             Print {"token","user","expires_at"}

Needs tokens.secret in the configuration. Prints the token and nothing else.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { user } = values;
    if (user === undefined) throw new UsageError("Cannot make a token without --user");
    const ttlMs = parseTtl(values.ttl ?? TTL_DEFAULT);
    const sign = asUsage(() => plan(values, { user, ttlMs }));
    const token = await sign(await signerFor(values.config, context));
    const expiresAt = new Date(context.clock.nowMs() + ttlMs).toISOString();
    const json = JSON.stringify({ token, user, expires_at: expiresAt });
    context.stdout(`${values.json ? json : token}\n`);
    return 0;
  },
};

interface TokenArguments {
  readonly channel?: string[];
  readonly device?: string[];
  readonly command?: string[];
  readonly "channel-token"?: string;
}

/** What to sign, checked before anything is read from disk. */
function plan(
  { channel = [], device = [], command = [], "channel-token": target }: TokenArguments,
  base: { readonly user: string; readonly ttlMs: number },
): (signer: TokenSigner) => Promise<string> {
  if (target === undefined) {
    checkCommands(command, device);
    const grant = {
      ...base,
      channels: channel.map(parseChannel),
      devices: device.map(parseDeviceId),
      commands: command.map(checkCommandPattern),
    };
    return (signer) => signer.sign(grant);
  }
  if (channel.length + device.length + command.length > 0) {
    const detail = "a subscription token is for one channel only";
    throw new UsageError(
      `Cannot use --channel, --device or --command with --channel-token: ${detail}`,
    );
  }
  const grant = { ...base, channel: parseChannel(target) };
  return (signer) => signer.signSubscription(grant);
}

function checkCommands(patterns: readonly string[], devices: readonly string[]): void {
  const { commandPatternsMax } = LIMITS;
  if (patterns.length > 0 && devices.length === 0) {
    throw new UsageError("Cannot use --command without --device: it says what they may be sent");
  }
  if (patterns.length > commandPatternsMax) {
    throw new UsageError(
      `Cannot use --command ${patterns.length} times: at most ${commandPatternsMax} are allowed`,
    );
  }
}

function parseTtl(text: string): number {
  const ttlMs = parseDurationMs(text);
  if (ttlMs !== undefined && ttlMs >= 1000 && ttlMs <= TTL_MAX_MS) return ttlMs;
  const wanted = "wanted 1s to 3650d, such as 90s, 15m, 1h or 7d";
  throw new UsageError(`Cannot use --ttl: got ${JSON.stringify(text)}, ${wanted}`);
}

async function signerFor(file: string | undefined, context: CommandContext): Promise<TokenSigner> {
  const { config } = await readConfig(context, { config: file });
  const { secret } = config.tokens;
  if (secret !== undefined) {
    return createTokenSigner({ ...config.tokens, secret, clock: context.clock });
  }
  throw new Fault("config_invalid", { detail: `tokens.secret is not set. ${SECRET_REMEDY}` });
}
