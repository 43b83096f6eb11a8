import { access, constants } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { readEcdsaKey, readRsaKey } from "../auth/public-key-file.ts";
import type { Config } from "../config/config.ts";
import { SECRET_MIN_CHARS } from "../config/tokens-schema.ts";
import { Fault } from "../core/faults.ts";
import { createLog } from "../telemetry/log.ts";
import { probeApi, probeLogins, probeWebhooks } from "./check-backend.ts";
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
  { id: "tokens", question: "Can it check tokens?", probe: probeTokens },
  { id: "clients", question: "Are clients kept to what they may?", probe: probeClients },
  { id: "push", question: "Can it wake devices?", probe: probePush },
  { id: "api", question: "Can the backend use the server API?", probe: probeApi },
  { id: "logins", question: "Can users of mini-programs log in here?", probe: probeLogins },
  { id: "webhooks", question: "Can webhooks be told of events?", probe: probeWebhooks },
];

const TLS_REMEDY = "Correct tls.cert and tls.key, or make files for a test with: posthorn cert";

async function probeTls({ tls, server }: Config, { clock }: CommandContext): Promise<Finding[]> {
  if (tls === undefined) return [plainFinding(server.publicUrl)];
  const unreadable = await unreadableIn(tls);
  if (unreadable.length > 1) return unreadable;
  const publicHosts = server.publicUrl === undefined ? [] : [new URL(server.publicUrl).hostname];
  try {
    const now = new Date(clock.nowMs());
    // Loaded only here: the X.509 library costs every other start tens of milliseconds.
    const { loadTls } = await import("../tls/load.ts");
    const { findings, expiresAtMs } = await loadTls({ ...tls, publicHosts, now });
    const end = new Date(expiresAtMs).toISOString().slice(0, 10);
    if (findings.length === 0) return [{ status: "ok", found: `${tls.certFile}, until ${end}` }];
    return findings.map(({ severity, found, remedy }) => ({
      status: severity === "error" ? "fail" : "warn",
      found,
      remedy,
    }));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [{ status: "fail", found: error.detail ?? error.message, remedy: TLS_REMEDY }];
  }
}

/** A start names the first file only that it cannot read. */
async function unreadableIn({ certFile, keyFile }: NonNullable<Config["tls"]>): Promise<Finding[]> {
  const files = [
    ["tls.cert", certFile],
    ["tls.key", keyFile],
  ] as const;
  const findings = files.map(async ([key, file]): Promise<Finding[]> => {
    try {
      await access(file, constants.R_OK);
      return [];
    } catch (error) {
      const found = `${key}: cannot read ${resolve(file)}: ${explainIo(error)}`;
      return [{ status: "fail", found, remedy: TLS_REMEDY }];
    }
  });
  return (await Promise.all(findings)).flat();
}

function plainFinding(publicUrl: string | undefined): Finding {
  if (!publicUrl?.startsWith("https:")) {
    return { status: "ok", found: "none configured: plain http and ws" };
  }
  const found = `none configured, yet server.public_url is ${publicUrl}`;
  const remedy = "Set tls.cert and tls.key, unless a proxy in front terminates TLS";
  return { status: "warn", found, remedy };
}

async function probeData(config: Config, { clock, entropy }: CommandContext): Promise<Finding[]> {
  const { location } = config.store;
  if (location === "memory") return [{ status: "ok", found: "everything stays in memory" }];
  const { file } = location;
  for (let path = file; ; path = dirname(path)) {
    try {
      await access(path, constants.R_OK | constants.W_OK);
      if (path !== file) return [{ status: "ok", found: `${file}, to be made in ${path}` }];
      return [await probeStore(file, config, { clock, entropy })];
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

async function probeListen({ server, tls }: Config): Promise<Finding[]> {
  const { host, port } = server;
  const where = `${host} port ${port}, ${tls === undefined ? "http and ws" : "https and wss"}`;
  const failure = await tryListen(host, port);
  if (failure === undefined) return [{ status: "ok", found: where }];
  const found = `${where}: ${explainIo(failure)}`;
  if (codeOf(failure) === "EADDRINUSE") {
    const remedy = "Nothing, when it is Posthorn that runs; else end it or change server.port";
    return [{ status: "warn", found, remedy }];
  }
  const remedy =
    codeOf(failure) === "EACCES"
      ? "Allow ports below 1024 (AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit) or change server.port"
      : 'Change server.host: "0.0.0.0" is every IPv4 address of this machine';
  return [{ status: "fail", found, remedy }];
}

/** What keeps this machine from listening there for a moment, or undefined when nothing does. */
function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

async function probeTokens({ tokens, dev }: Config): Promise<Finding[]> {
  const keys = keysIn(tokens);
  if (keys.length === 0) {
    const found = "tokens.secret is not set, so no user can come in";
    return [{ status: dev ? "warn" : "fail", found, remedy: SECRET_REMEDY }];
  }
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
