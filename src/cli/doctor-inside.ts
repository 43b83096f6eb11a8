import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../config/config.ts";
import { checkSources } from "../config/load-config.ts";
import { type NamedSecret, secretsIn } from "../config/secrets.ts";
import { controlPathOf } from "../control/control-socket.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type Finding, finding, findingIf } from "../doctor/finding.ts";
import { judgeConfigFile, judgeDataMode, judgeSecrets } from "../doctor/judge-config.ts";
import { bytesText, judgeMachine } from "../doctor/judge-machine.ts";
import { VISIT_LIMITS } from "../doctor/limits.ts";
import { modeOf, observeMachine } from "../doctor/observe-machine.ts";
import { CHECKS, type Finding as Checked } from "./checks.ts";
import type { CommandContext } from "./command.ts";
import { explainIo } from "./io-errors.ts";
import type { FoundConfig } from "./read-config.ts";
import { askStatus } from "./status.ts";

const CODES = { ok: "check_passed", warn: "check_warned", fail: "check_failed" } as const;

/** What was found, and what no report may show. */
export interface InsideVisit {
  readonly findings: readonly Finding[];
  readonly secrets: readonly string[];
}

/** Looks at a configuration, and at the machine that is to serve it. Changes nothing. */
export async function visitInside(
  { config, file, sources }: FoundConfig,
  context: CommandContext,
): Promise<InsideVisit> {
  const storeFile = config.store.location === "memory" ? undefined : config.store.location.file;
  const secrets = secretsIn(checkSources(sources).values);
  const findings = [
    ...(await runChecks(config, context, storeFile)),
    ...findingIf(config.server.publicUrl === undefined, "public_url_missing"),
    ...judgeSecrets(secrets),
    ...(await lookAtFile(file, secrets)),
    ...(await lookAtMachine(config, context, storeFile)),
    ...(storeFile === undefined ? [] : await lookAtStore(storeFile)),
  ];
  return { findings, secrets: secrets.map(({ value }) => value) };
}

/** Those of `posthorn check`, which says the same. A store that is there is looked at without being opened. */
async function runChecks(
  config: Config,
  context: CommandContext,
  storeFile: string | undefined,
): Promise<Finding[]> {
  const isMade = storeFile !== undefined && (await modeOf(storeFile)) !== undefined;
  const checks = CHECKS.filter(({ id }) => id !== "data" || !isMade);
  const findings: Finding[] = [];
  for (const { id, probe } of checks) {
    const checked = await probe(config, context);
    findings.push(...checked.map((it) => findingOf(id, it)));
  }
  return findings;
}

function findingOf(id: string, checked: Checked): Finding {
  const { status, found } = checked;
  const remedy = "remedy" in checked ? { remedy: checked.remedy } : {};
  return finding(CODES[status], { about: { word: `check_${id}` }, found, ...remedy });
}

async function lookAtFile(
  file: string | undefined,
  secrets: readonly NamedSecret[],
): Promise<Finding[]> {
  const mode = file === undefined ? undefined : await modeOf(file);
  if (file === undefined || mode === undefined || secrets.length === 0) return [];
  return [judgeConfigFile(file, mode)];
}

async function lookAtMachine(
  { limits, tls }: Config,
  { clock, env }: CommandContext,
  dataPath: string | undefined,
): Promise<Finding[]> {
  const serverPid = dataPath === undefined ? undefined : await serverPidOf(dataPath, clock);
  const seen = await observeMachine({ nowMs: clock.nowMs(), env, dataPath, serverPid });
  return judgeMachine(seen, { clientsMax: limits.clientsMax, hasTls: tls !== undefined });
}

/** The process that serves a store, where one does and we may ask it. */
async function serverPidOf(storeFile: string, clock: Clock): Promise<number | undefined> {
  const status = await askStatus(controlPathOf(storeFile), { clock }).catch(() => undefined);
  const pid = Number(status?.["pid"]);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

async function lookAtStore(file: string): Promise<Finding[]> {
  // Loaded only here: a visit from outside needs no database.
  const { examineStore } = await import("../engine/sqlite/examine.ts");
  const seen = examineStore(file, VISIT_LIMITS.storeMaxBytes);
  if (seen === undefined) return [finding("store_none", { file })];
  const size = bytesText(seen.sizeBytes);
  return [
    ...(await judgeModes(file)),
    ...(await judgeWritable(file)),
    finding(seen.isServed ? "store_served" : "store_free", { file }),
    ...findingIf(seen.damage !== undefined, "store_damaged", { file, reason: seen.damage ?? "" }),
    ...findingIf(seen.isRead && seen.damage === undefined, "store_sound", { file, size }),
    ...findingIf(!seen.isRead, "store_large", { file, size }),
  ];
}

async function judgeModes(file: string): Promise<Finding[]> {
  const fileMode = (await modeOf(file)) ?? 0;
  const directoryMode = (await modeOf(dirname(file))) ?? 0;
  // In a directory that is closed to others the file's own mode is no matter.
  const isClosed = (directoryMode & 0o001) === 0;
  return isClosed ? [] : judgeDataMode(file, fileMode);
}

async function judgeWritable(file: string): Promise<Finding[]> {
  for (const path of [file, dirname(file)]) {
    try {
      await access(path, constants.R_OK | constants.W_OK);
    } catch (error) {
      return [finding("store_unwritable", { path, reason: explainIo(error) })];
    }
  }
  return [];
}
