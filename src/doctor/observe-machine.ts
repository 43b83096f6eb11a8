import { readFile, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { parseOpenFilesMax } from "../core/open-files-max.ts";

/** What was seen of the machine; what is absent is not to be seen here. */
export interface MachineSeen {
  readonly nowMs: number;
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  /** Files that a process may have open: the server that runs, else the shell this was started from. */
  readonly filesMax?: number;
  readonly isFilesMaxOfServer?: boolean;
  /** Who keeps the clock right; "" when nobody seems to. */
  readonly clockKeeper?: string;
  /** Names of variables that are set; never what to. */
  readonly variables: readonly string[];
  /** Whether a listener's queue moves over to the next one on its port. */
  readonly migratesRequests?: boolean;
}

/** What {@link observeMachine} needs to know. */
export interface MachineQuestion {
  readonly nowMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the data is, or will be. */
  readonly dataPath: string | undefined;
  /** The server that runs, as far as it is known. */
  readonly serverPid?: number | undefined;
}

/** Files that exist where something keeps the clock right. */
const CLOCK_KEEPERS = [
  ["/run/systemd/timesync/synchronized", "systemd-timesyncd"],
  ["/run/chrony/chronyd.pid", "chrony"],
  ["/run/chronyd.pid", "chrony"],
  ["/run/chrony", "chrony"],
  ["/run/ntpd.pid", "ntpd"],
  ["/var/run/ntpd.pid", "ntpd"],
  ["/run/openntpd.pid", "OpenNTPD"],
] as const;

/** Looks at the machine. Never rejects: what cannot be read is left out. */
export async function observeMachine(question: MachineQuestion): Promise<MachineSeen> {
  const { nowMs, env, dataPath, serverPid } = question;
  const [disk, servedMax, ownMax, clockKeeper, migrates] = await Promise.all([
    dataPath === undefined ? undefined : diskOf(dataPath),
    serverPid === undefined ? undefined : readFilesMax(serverPid),
    readFilesMax("self"),
    findClockKeeper(),
    readText("/proc/sys/net/ipv4/tcp_migrate_req"),
  ]);
  const filesMax = servedMax ?? ownMax;
  return {
    nowMs,
    variables: Object.keys(env).filter((name) => isOn(name, env[name])),
    ...(disk !== undefined && { disk }),
    ...(filesMax !== undefined && { filesMax, isFilesMaxOfServer: servedMax !== undefined }),
    ...(clockKeeper !== undefined && { clockKeeper }),
    ...(migrates !== undefined && { migratesRequests: migrates.trim() !== "0" }),
  };
}

function isOn(name: string, value = ""): boolean {
  // Any other value leaves the check on.
  return name === "NODE_TLS_REJECT_UNAUTHORIZED" ? value === "0" : value !== "";
}

/** The mode of a file; undefined when there is none. */
export async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch {
    return undefined;
  }
}

/** The disk of the path itself, or of whatever is there of it. */
export async function diskOf(path: string): Promise<MachineSeen["disk"]> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return path === dirname(path) ? undefined : diskOf(dirname(path));
  }
}

async function readFilesMax(pid: number | "self"): Promise<number | undefined> {
  const limits = await readText(`/proc/${pid}/limits`);
  return parseOpenFilesMax(limits ?? "");
}

async function findClockKeeper(): Promise<string | undefined> {
  // Elsewhere these files mean nothing.
  if ((await readText("/proc/self/limits")) === undefined) return undefined;
  for (const [path, name] of CLOCK_KEEPERS) {
    if ((await modeOf(path)) !== undefined) return name;
  }
  return "";
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
