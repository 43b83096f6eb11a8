import { type Finding, finding, findingIf } from "./finding.ts";
import type { MachineSeen } from "./observe-machine.ts";

/** Before this program was made nobody could run it. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** And by then its certificates and its time stamps will have been renewed more than once. */
const LATEST_MS = Date.UTC(2100, 0, 1);

const MIB = 1024 * 1024;
/** With less than this left a disk counts as full. */
export const DISK_FULL_BYTES = 64 * MIB;
const SMALL_BYTES = 1024 * MIB;

/** Beside clients: the store, logs, devices that hold something open, requests that come and go. */
const OTHER_FILES = 1_000;

/** Variables that reach into the program, and how. */
const ODD_VARIABLES: Readonly<Record<string, string>> = {
  BUN_OPTIONS: "runs_code",
  BUN_BE_BUN: "runs_code",
  BUN_INSPECT: "runs_code",
  BUN_INSPECT_PRELOAD: "runs_code",
  NODE_OPTIONS: "runs_code",
  LD_PRELOAD: "runs_code",
  NODE_TLS_REJECT_UNAUTHORIZED: "trusts_anyone",
  SSLKEYLOGFILE: "leaks_keys",
};

/** What the configuration asks of the machine. */
export interface MachineWanted {
  readonly clientsMax: number;
  readonly hasTls: boolean;
}

/** Says whether the machine is fit for what is configured. */
export function judgeMachine(seen: MachineSeen, wanted: MachineWanted): Finding[] {
  return [
    ...judgeDisk(seen),
    ...judgeFiles(seen, wanted.clientsMax),
    ...judgeClock(seen),
    ...judgeVariables(seen.variables),
    ...(wanted.hasTls ? judgeHandover(seen.migratesRequests) : []),
  ];
}

/** An amount as people read it. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const amount = bytes / 1024 ** power;
  return `${amount >= 10 ? Math.round(amount) : Math.round(10 * amount) / 10} ${units[power]}`;
}

function judgeDisk({ disk }: MachineSeen): Finding[] {
  if (disk === undefined) return [];
  const { freeBytes, totalBytes } = disk;
  const values = { free: bytesText(freeBytes), total: bytesText(totalBytes) };
  if (freeBytes < DISK_FULL_BYTES) return [finding("disk_full", values)];
  return [finding(freeBytes < SMALL_BYTES ? "disk_small" : "disk_roomy", values)];
}

function judgeFiles(seen: MachineSeen, clientsMax: number): Finding[] {
  const { filesMax, isFilesMaxOfServer = false } = seen;
  if (filesMax === undefined) return [];
  const where = { word: isFilesMaxOfServer ? "files_server" : "files_shell" };
  const values = { limit: filesMax, wanted: clientsMax + OTHER_FILES, where };
  return [finding(filesMax < values.wanted ? "files_few" : "files_enough", values)];
}

function judgeClock({ nowMs, clockKeeper }: MachineSeen): Finding[] {
  const isWrong = nowMs < EARLIEST_MS || nowMs > LATEST_MS;
  return [
    ...findingIf(isWrong, "clock_wrong", { now: new Date(nowMs).toISOString() }),
    ...findingIf(clockKeeper === "", "clock_unkept"),
    ...findingIf((clockKeeper ?? "") !== "", "clock_kept", { keeper: clockKeeper ?? "" }),
  ];
}

function judgeVariables(names: readonly string[]): Finding[] {
  const odd = names.flatMap((name) => {
    const effect = ODD_VARIABLES[name];
    return effect === undefined
      ? []
      : [finding("environment_odd", { name, effect: { word: effect } })];
  });
  return odd.length === 0 ? [finding("environment_clean")] : odd;
}

function judgeHandover(migratesRequests: boolean | undefined): Finding[] {
  if (migratesRequests === undefined) return [];
  return [finding(migratesRequests ? "handover_kept" : "handover_resets")];
}
