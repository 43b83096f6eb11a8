import { detach } from "../core/detach.ts";
import type { SendResult } from "../core/ports/host.ts";
import { DISCONNECT } from "../protocol/codes.ts";
import type { ClientServices } from "./client-services.ts";

/** How often slow clients are looked for while some queue is filling. */
const SWEEP_MS = 250;

type Swept = Pick<ClientServices, "registry" | "clock" | "limits" | "log">;

/** Evicts clients that read too slowly. The runtime says that there are some, but not which. */
export class SlowClients {
  readonly #services: Swept;
  #isSweepDue = false;
  #isSweepUrgent = false;

  constructor(services: Swept) {
    this.#services = services;
  }

  /** What a frame for many came to. */
  onBackpressure(result: Exclude<SendResult, "sent">): void {
    if (result === "dropped") this.#sweepAtOnce();
    else this.#sweepSoon();
  }

  #sweepSoon(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#services.clock.after(SWEEP_MS, () => {
      this.#isSweepDue = false;
      this.#evict();
    });
  }

  /** Who lost a frame is cut off by the host next, and looks then like who went by itself. */
  #sweepAtOnce(): void {
    if (this.#isSweepUrgent) return;
    this.#isSweepUrgent = true;
    detach(this.#services.log, "clients.sweep", async () => {
      // Not within the fan-out that found it, whose members would change under it.
      await Promise.resolve();
      this.#isSweepUrgent = false;
      this.#evict();
    });
  }

  #evict(): void {
    const { registry, limits, log } = this.#services;
    registry.endWhere((client) => {
      if (!client.connection.isSlow()) return undefined;
      log.warn("client.slow", { client: client.id, queueMaxBytes: limits.queueMaxBytes });
      return DISCONNECT.slow;
    });
  }
}
