import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { RefreshGrant } from "../core/ports/backend.ts";
import type { Cancel } from "../core/ports/clock.ts";
import { DISCONNECT } from "../protocol/codes.ts";
import { resultFrom } from "./backend-answer.ts";
import type { Client } from "./client.ts";
import { Disconnection, Refusal } from "./protocol-error.ts";

/**
 * Ends a client some time after its credentials ended, unless new ones come before: from the client,
 * or from the backend where that is asked instead.
 */
export function watchExpiry(client: Client, atMs: number): Cancel {
  const { clock, backend } = client.services;
  const leftMs = Math.max(0, atMs - clock.nowMs());
  const end = clock.after(leftMs + LIMITS.expiredGraceMs, () => client.end(DISCONNECT.expired));
  if (backend.refresh === undefined) return end;
  const stopAsking = askFrom(client, leftMs);
  return () => {
    end();
    stopAsking();
  };
}

/** Asks whether the client may stay, again and again while no answer comes. */
function askFrom(client: Client, leftMs: number): Cancel {
  const { clock, log } = client.services;
  let isStopped = false;
  let timer = clock.after(leftMs, ask);

  function ask(): void {
    timer = clock.after(LIMITS.refreshPauseMs, ask);
    detach(log, "client.refresh", async () => {
      const grant = await grantFor(client);
      if (isStopped || grant === undefined) return;
      if (grant instanceof Disconnection) client.end(grant.disconnect);
      else client.renewed(grant);
    });
  }

  return () => {
    isStopped = true;
    timer();
  };
}

/** What the backend says; undefined while it cannot say anything. */
async function grantFor(client: Client): Promise<RefreshGrant | Disconnection | undefined> {
  const { backend, clock } = client.services;
  const expired = new Disconnection(DISCONNECT.expired);
  try {
    const answer = await backend.refresh?.(client.asBackendUser());
    if (answer === undefined) return undefined;
    const grant = resultFrom(answer);
    const isOver = grant.expiresAtMs !== undefined && grant.expiresAtMs <= clock.nowMs();
    return grant.expired || isOver ? expired : grant;
  } catch (error) {
    if (error instanceof Disconnection) return error;
    if (error instanceof Refusal) return error.error.temporary ? undefined : expired;
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
