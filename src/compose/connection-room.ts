import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Live } from "../core/live.ts";
import type { Cancel } from "../core/ports/clock.ts";
import type { ConnectionGate } from "../http/connection-gate.ts";
import type { Entry } from "../http/entry.ts";
import type { OpenFiles } from "../runtime/open-files.ts";
import type { Listeners } from "./listeners.ts";
import type { Surroundings } from "./surroundings.ts";

type Doors = Pick<Listeners, "pause" | "resume" | "closeIdle">;

/**
 * Keeps the process below its limit of open files, whatever opens them: at the limit Bun spins on
 * connections that it cannot accept, and nothing of ours can open a file or ask anybody.
 */
export interface ConnectionRoom {
  /** No further client, and no connection that nothing uses. */
  isTight(): boolean;
  /** Looks often from now on; lets nobody in at all while there is no room left. */
  watch(doors: Doors): Cancel;
}

const REMEDY = "raise the limit of open files: LimitNOFILE= of the systemd unit, or ulimit -n";

/** Undefined `files`: the machine does not tell, and there is always room. */
export function createConnectionRoom(
  { clock, log }: Pick<Surroundings, "clock" | "log">,
  clientsMax: Live<number>,
  files: OpenFiles | undefined,
): ConnectionRoom {
  if (files === undefined) return { isTight: () => false, watch: () => () => undefined };
  const { max } = files;
  const { tightAt, fullAt } = marksOf(max);
  let open = files.count();
  let holdMs: number = LIMITS.acceptPauseMs;
  let pausedAtMs: number | undefined;
  let resumedAtMs = Number.NEGATIVE_INFINITY;
  function look(doors: Doors): void {
    open = files?.count() ?? 0;
    if (open >= tightAt) doors.closeIdle();
    if (pausedAtMs === undefined) pauseWhenFull(doors);
    else if (open < tightAt && clock.monotonicMs() - pausedAtMs >= holdMs) resume(doors);
  }

  function pauseWhenFull(doors: Doors): void {
    if (open < fullAt) return;
    pausedAtMs = clock.monotonicMs();
    const isForgiven = pausedAtMs - resumedAtMs > LIMITS.acceptForgivenMs;
    // Whoever fills it again and again is held off for longer each time.
    const { acceptPauseMs, acceptPauseMaxMs } = LIMITS;
    holdMs = isForgiven ? acceptPauseMs : Math.min(holdMs * 2, acceptPauseMaxMs);
    log.warn("connections.full", { openFiles: open, openFilesMax: max, remedy: REMEDY });
    doors.pause();
  }

  function resume(doors: Doors): void {
    pausedAtMs = undefined;
    log.info("connections.room", { openFiles: open, openFilesMax: max });
    resumedAtMs = clock.monotonicMs();
    doors.resume();
  }

  return {
    isTight: () => open >= tightAt,
    watch(doors) {
      if (clientsMax.current > tightAt) {
        const found = { clientsMax: clientsMax.current, openFilesMax: max };
        log.warn("limits.fitted", { ...found, clientsAtMost: tightAt, remedy: REMEDY });
      }
      return clock.every(LIMITS.openFilesLookMs, () => look(doors));
    },
  };
}

/** What is left above them is for the store, for webhooks and push providers, and for who comes between two looks. */
function marksOf(max: number): { readonly tightAt: number; readonly fullAt: number } {
  const { openFilesReserveMin, openFilesReserveMax } = LIMITS;
  const share = Math.round(max / 20);
  const reserve = Math.min(Math.max(share, openFilesReserveMin), openFilesReserveMax);
  return { tightAt: Math.max(0, max - 2 * reserve), fullAt: Math.max(1, max - reserve) };
}

/** A gate that lets nobody stay while files are short. */
export function gateWithRoom(gate: ConnectionGate, room: ConnectionRoom): ConnectionGate {
  return {
    ...gate,
    checkRoom(address) {
      if (room.isTight()) throw new Fault("clients_full", { detail: "come back later" });
      gate.checkRoom(address);
    },
  };
}

/** An entry that ends connections with their answers while files are short. */
export function entryWithRoom(entry: Entry, room: ConnectionRoom): Entry {
  return async (request, info) => {
    // Read now: after an upgrade the request may not be looked at any more.
    const mayStay = request.headers.has("upgrade") || !room.isTight();
    const answer = await entry(request, info);
    if (!mayStay) answer.headers.set("connection", "close");
    return answer;
  };
}
