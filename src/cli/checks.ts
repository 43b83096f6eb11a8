import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { readEcdsaKey, readRsaKey } from "../auth/public-key-file.ts";
import type { Config } from "../config/config.ts";
import { SECRET_MIN_CHARS } from "../config/tokens-schema.ts";
import { Fault } from "../core/faults.ts";
import { createLoginProvider } from "../login/providers.ts";
import { createWebClient } from "../runtime/web-client.ts";
import { createLog } from "../telemetry/log.ts";
import { probeApi, probeLogins, probeWebhooks } from "./check-backend.ts";
import { probeRoom } from "./check-disk.ts";
import { probeListen } from "./check-listen.ts";
import { probeProxies } from "./check-proxies.ts";
import { probeTls } from "./check-tls.ts";
import type { CommandContext } from "./command.ts";
import { codeOf, explainIo } from "./io-errors.ts";
import { openStore } from "./open-store.ts";
import { probePush } from "./probe-push.ts";
import { SECRET_REMEDY } from "./remedies.ts";

/** What a check says. A check that cannot say the remedy is not finished. */
export type Finding =
  | { readonly status: "ok"; readonly found: string }
  | { readonly status: "warn" | "fail"; readonly found: string; readonly remedy: string };

/** One question on the configuration and the machine. What was found is told also when all is well. */
interface Check {
  readonly id: string;
  readonly question: string;
  readonly probe: (config: Config, context: CommandContext) => Promise<readonly Finding[]>;
}

/** Every check, in the order in which a start would meet them. */
export const CHECKS: readonly Check[] = [
  { id: "tls", question: "Are the certificate and its key fit for use?", probe: probeTls },
  { id: "data", question: "Can it keep its data?", probe: probeData },
  { id: "listen", question: "Can it listen?", probe: probeListen },
  { id: "proxies", question: "Are clients told apart by address?", probe: probeProxies },
  { id: "tokens", question: "Can it check tokens?", probe: probeTokens },
  { id: "clients", question: "Are clients kept to what they may?", probe: probeClients },
  { id: "push", question: "Can it wake devices?", probe: probePush },
  { id: "api", question: "Can the backend use the server API?", probe: probeApi },
  { id: "logins", question: "Can users of mini-programs log in here?", probe: probeOwnLogins },
  { id: "webhooks", question: "Can webhooks be told of events?", probe: probeWebhooks },
];

async function probeData(config: Config, { clock, entropy }: CommandContext): Promise<Finding[]> {
  const { location } = config.store;
  if (location === "memory") return [{ status: "ok", found: "everything stays in memory" }];
  const { file } = location;
  for (let path = file; ; path = dirname(path)) {
    try {
      await access(path, constants.R_OK | constants.W_OK);
      const room = await probeRoom(file);
      if (path === file) return [await probeStore(file, config, { clock, entropy }), ...room];
      if (room.length > 0) return room;
      return [{ status: "ok", found: `${file}, to be made in ${path}` }];
    } catch (error) {
      if (codeOf(error) === "ENOENT" && path !== dirname(path)) continue;
      const remedy = `Run: chown -R <the user that runs Posthorn> ${path}; or change server.data`;
      return [{ status: "fail", found: `cannot write ${path}: ${explainIo(error)}`, remedy }];
    }
  }
}

/** Opens the store as the server would, which may run beside. */
async function probeStore(
  file: string,
  config: Config,
  { clock, entropy }: Pick<CommandContext, "clock" | "entropy">,
): Promise<Finding> {
  const log = createLog({ level: "error", format: "text", clock, write: () => {} });
  try {
    await using _engine = await openStore(config, { clock, entropy, log });
    return { status: "ok", found: file };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const remedy = `Restore ${file} from a backup, or change server.data`;
    return { status: "fail", found, remedy };
  }
}

async function probeTokens(config: Config): Promise<Finding[]> {
  const { tokens } = config;
  const keys = keysIn(tokens);
  if (keys.length === 0) return [keylessFinding(config)];
  const { rsaPublicKeyFile, ecdsaPublicKeyFile, secret } = tokens;
  try {
    if (rsaPublicKeyFile !== undefined) await readRsaKey(rsaPublicKeyFile);
    if (ecdsaPublicKeyFile !== undefined) await readEcdsaKey(ecdsaPublicKeyFile);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const remedy = "Name PEM files that hold the public key";
    return [{ status: "fail", found: error.detail ?? error.message, remedy }];
  }
  return [{ status: "ok", found: keys.join(", ") }, ...shortSecret(secret)];
}

/** Tokens are one way in of several: without a key for them the others go on. */
function keylessFinding({ api, logins, sessions, callbacks, clients, dev }: Config): Finding {
  const ways = [
    api.keys.length > 0 && "with tickets that the backend asks for (api.keys)",
    logins.size > 0 && `by themselves (${[...logins.keys()].map((it) => `logins.${it}`).join()})`,
    callbacks.urls.connect !== undefined && "by callbacks.connect",
    clients.insecure && "without anything (clients.insecure)",
  ].filter((it) => it !== false);
  if (ways.length === 0) {
    const found = "tokens.secret is not set, so no user can come in";
    return { status: dev ? "warn" : "fail", found, remedy: SECRET_REMEDY };
  }
  const isForgetful = logins.size > 0 && sessions.secret === undefined;
  const sessionsEnd = isForgetful ? ", and sessions end with every restart" : "";
  const found = `tokens.secret is not set, so no token is accepted${sessionsEnd}; users come in ${ways.join(" and ")}`;
  const unless = isForgetful ? "sessions.secret is enough" : "nothing";
  return {
    status: "warn",
    found,
    remedy: `When no client brings a token, ${unless}; else: ${SECRET_REMEDY}`,
  };
}

/** As a start does it, also reads the files that hold keys. */
async function probeOwnLogins(config: Config, { clock }: CommandContext): Promise<Finding[]> {
  const web = createWebClient(clock);
  const failures = [...config.logins].flatMap(([name, login]): Finding[] => {
    try {
      createLoginProvider(login, { web, clock });
      return [];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const found = `logins.${name}: ${error.detail ?? error.message}`;
      return [{ status: "fail", found, remedy: `Correct what logins.${name} names, or remove it` }];
    }
  });
  return failures.length > 0 ? failures : probeLogins(config);
}

async function probeClients({ clients, dev }: Config): Promise<Finding[]> {
  if (!clients.insecure || dev)
    return [{ status: "ok", found: "to what tokens and channels allow" }];
  const found = "clients.insecure is on: everyone may read and write everything";
  return [{ status: "warn", found, remedy: "Set clients.insecure = false" }];
}

/** What tokens are checked with. The keys behind a URL are not asked for: a start does not need them. */
function keysIn(tokens: Config["tokens"]): string[] {
  const { secret, previousSecret, rsaPublicKeyFile, ecdsaPublicKeyFile, jwksUrl } = tokens;
  const keys = [
    ["tokens.secret has", secret && `${secret.length} characters`],
    ["tokens.previous_secret has", previousSecret && `${previousSecret.length} characters`],
    ["tokens.rsa_public_key is", rsaPublicKeyFile],
    ["tokens.ecdsa_public_key is", ecdsaPublicKeyFile],
    ["tokens.jwks_url is", jwksUrl],
  ] as const;
  return keys.flatMap(([what, value]) => (value === undefined ? [] : [`${what} ${value}`]));
}

function shortSecret(secret: string | undefined): Finding[] {
  if (secret === undefined || secret.length >= SECRET_MIN_CHARS) return [];
  const found = "tokens.secret is short enough to be guessed";
  return [{ status: "warn", found, remedy: SECRET_REMEDY }];
}
