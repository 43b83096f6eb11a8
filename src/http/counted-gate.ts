import { Fault } from "../core/faults.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import type { ConnectionGate } from "./connection-gate.ts";

/** Counts whom a gate turns away, by why. */
export function countRefusals(gate: ConnectionGate, metrics: Metrics): ConnectionGate {
  function counted(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (error instanceof Fault) {
        metrics.count("posthorn_connections_refused_total", { code: error.code });
      }
      throw error;
    }
  }
  return {
    checkOrigin: (request, address) => counted(() => gate.checkOrigin(request, address)),
    checkRate: (address) => counted(() => gate.checkRate(address)),
    checkRoom: (address) => counted(() => gate.checkRoom(address)),
  };
}
