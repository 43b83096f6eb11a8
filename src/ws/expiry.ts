import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Backend, RefreshGrant } from "../core/ports/backend.ts";
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
  const stopAsking = keepAsking(client, backend.refresh, leftMs);
  return () => {
    end();
    stopAsking();
  };
}

/** Asks whether the client may stay, again and again while no answer comes. */
function keepAsking(client: Client, ask: NonNullable<Backend["refresh"]>, leftMs: number): Cancel {
  const { clock, log } = client.services;
  let isStopped = false;
  let timer = clock.after(leftMs, askOnce);

  function askOnce(): void {
    timer = clock.after(LIMITS.refreshPauseMs, askOnce);
    detach(log, "client.refresh", async () => {
      const answer = await answerFor(client, ask);
      if (isStopped || answer === undefined) return;
      if (answer instanceof Disconnection) client.end(answer.disconnect);
      else client.renewed(answer);
    });
  }

  return () => {
    isStopped = true;
    timer();
  };
}

/** What the backend says; undefined while it cannot say anything. */
async function answerFor(
  client: Client,
  ask: NonNullable<Backend["refresh"]>,
): Promise<RefreshGrant | Disconnection | undefined> {
  try {
    const grant = resultFrom(await ask(client.asBackendUser()));
    const { expired, expiresAtMs = Number.POSITIVE_INFINITY } = grant;
    const isOver = expired || expiresAtMs <= client.services.clock.nowMs();
    return isOver ? new Disconnection(DISCONNECT.expired) : grant;
  } catch (error) {
    return afterFailure(client, error);
  }
}

/** What is wrong for a moment is no answer; a backend that refuses for good has let the client go. */
function afterFailure({ id, services }: Client, error: unknown): Disconnection | undefined {
  if (error instanceof Disconnection) return error;
  if (error instanceof Refusal) {
    return error.error.temporary ? undefined : new Disconnection(DISCONNECT.expired);
  }
  if (!(error instanceof Fault)) throw error;
  services.log.error("ws.unavailable", { client: id, error });
  return undefined;
}
