import type { Clock } from "../core/ports/clock.ts";
import type { ClientSocket } from "./websocket.ts";
import { WireTrouble } from "./wire.ts";

/** What became of a socket on which nothing happened but the heartbeat. */
export interface HoldSeen {
  readonly heldMs: number;
  /** How long nothing had come when it ended. */
  readonly silentMs: number;
  /** Heartbeats of the server that were answered. */
  readonly heartbeats: number;
  /** Absent: it was still open. */
  readonly end?:
    | { readonly kind: "cut" }
    | { readonly kind: "closed"; readonly code: number; readonly reason: string };
}

/** Holds a socket as a phone does that looks at one page: it says nothing but answers heartbeats. */
export async function hold(
  socket: Pick<ClientSocket, "receive" | "send" | "close">,
  holdMs: number,
  clock: Clock,
): Promise<HoldSeen> {
  const startedMs = clock.monotonicMs();
  let heardMs = startedMs;
  let heartbeats = 0;
  const seen = () => {
    const nowMs = clock.monotonicMs();
    return { heldMs: nowMs - startedMs, silentMs: nowMs - heardMs, heartbeats };
  };
  for (;;) {
    const restMs = startedMs + holdMs - clock.monotonicMs();
    const message = restMs <= 0 ? undefined : await socket.receive(restMs).catch(unlessTimeout);
    if (message === undefined) {
      socket.close();
      return seen();
    }
    if (message.kind === "cut" || message.kind === "closed") return { ...seen(), end: message };
    heardMs = clock.monotonicMs();
    if (message.kind !== "text" || !isHeartbeat(message.text)) continue;
    socket.send("{}");
    heartbeats += 1;
  }
}

function isHeartbeat(text: string): boolean {
  return text.split("\n").some((line) => line.trim() === "{}");
}

function unlessTimeout(error: unknown): undefined {
  if (error instanceof WireTrouble && error.trouble === "timeout") return undefined;
  throw error;
}
